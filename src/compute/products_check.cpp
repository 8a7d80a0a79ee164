#include "quartic/compute/products_check.hpp"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <vector>

#include "host.hpp"
#include "quartic/compute/reference.hpp"

namespace quartic::compute {
namespace {

// The products are the host's, even where the process computes on a device.

/// c = a b, with a of m × k and b of k × n.
struct Shape {
  std::int64_t m, n, k;
};

/// Odd sides, blocks of the kernels' own sizes, and sums longer than a block.
constexpr std::array shapes{Shape{1, 50, 70}, Shape{23, 37, 41}, Shape{64, 64, 64},
                            Shape{5, 7, 600}, Shape{130, 3, 17}};

/// The shape whose results are compared at several addresses, and by how many elements those
/// differ: vectors of 16 to 64 bytes lie differently in each.
constexpr Shape moved_shape{23, 37, 41};
constexpr std::int64_t largest_shift = 8;

/// Small whole numbers, so that every order of summation gives the same result exactly.
template <class T>
std::vector<T> whole_numbers(std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  std::uint32_t state = 1;
  for (T& value : values) {
    state = state * 1664525 + 1013904223;  // Numerical Recipes' generator
    value = static_cast<T>(static_cast<int>(state >> 24) % 9 - 4);
  }
  return values;
}

/// Numbers whose sums are rounded, so that another order of summation shows.
template <class T>
std::vector<T> fractions(std::int64_t count) {
  std::vector<T> values = whole_numbers<T>(count);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= static_cast<T>(3 + i % 7);
  return values;
}

template <class T>
std::vector<T> transposed_copy(std::vector<T> const& values, std::int64_t rows,
                               std::int64_t columns) {
  std::vector<T> copy(values.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      copy[static_cast<std::size_t>(column * rows + row)] =
          values[static_cast<std::size_t>(row * columns + column)];
    }
  }
  return copy;
}

/// The matrix whose rows are `by_row`, stored as it is or as its transpose `by_column`.
template <class T>
ConstMatrix<T> view(T const* by_row, T const* by_column, std::int64_t rows, std::int64_t columns,
                    bool is_transposed) {
  if (!is_transposed) return {by_row, rows, columns};
  return transposed(ConstMatrix<T>{by_column, columns, rows});
}

/// A matrix of whole numbers, stored both ways.
template <class T>
class Sample {
 public:
  Sample(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        by_row_(whole_numbers<T>(rows * columns)),
        by_column_(transposed_copy(by_row_, rows, columns)) {}
  ConstMatrix<T> stored(bool is_transposed) const {
    return view(by_row_.data(), by_column_.data(), rows_, columns_, is_transposed);
  }

 private:
  std::int64_t rows_, columns_;
  std::vector<T> by_row_, by_column_;
};

template <class T>
bool gemm_is_right(Shape const& shape) {
  Sample<T> const a(shape.m, shape.k);
  Sample<T> const b(shape.k, shape.n);
  std::vector<T> const start = whole_numbers<T>(shape.m * shape.n);
  std::vector<T> plain = start;
  reference::gemm<T>(2, a.stored(false), b.stored(false), 1, {plain.data(), shape.m, shape.n});
  for (int flags = 0; flags < 4; ++flags) {
    std::vector<T> fast = start;
    ConstMatrix<T> const left = a.stored((flags & 1) != 0);
    ConstMatrix<T> const right = b.stored((flags & 2) != 0);
    QUARTIC_HOST_KERNELS::gemm<T>(2, left, right, 1, {fast.data(), shape.m, shape.n});
    if (fast != plain) return false;
  }
  return true;
}

template <class T>
bool gemv_is_right(Shape const& shape) {
  Sample<T> const a(shape.m, shape.k);
  std::vector<T> const x = whole_numbers<T>(shape.k);
  std::vector<T> const start = whole_numbers<T>(shape.m);
  std::vector<T> plain = start;
  reference::gemv<T>(2, a.stored(false), x, 1, plain);
  for (bool const is_transposed : {false, true}) {
    std::vector<T> fast = start;
    QUARTIC_HOST_KERNELS::gemv<T>(2, a.stored(is_transposed), x, 1, fast);
    if (fast != plain) return false;
  }
  return true;
}

/// The same numbers, `shift` elements after an address that every kernel finds aligned.
template <class T>
class Shifted {
 public:
  Shifted(std::vector<T> const& values, std::int64_t shift)
      : memory_(values.size() + static_cast<std::size_t>(shift) + 64 / sizeof(T)) {
    auto const address = reinterpret_cast<std::uintptr_t>(memory_.data());
    first_ = memory_.data() + (64 - address % 64) % 64 / sizeof(T) + shift;
    std::copy(values.begin(), values.end(), first_);
  }
  T* values() { return first_; }

 private:
  std::vector<T> memory_;
  T* first_;
};

/// The results of a product and of a product with a vector, one after the other, with operands
/// that lie `shift` elements further on.
template <class T>
std::vector<T> products_at(std::int64_t shift, int flags) {
  auto const [m, n, k] = moved_shape;
  Shifted<T> a(fractions<T>(m * k), shift);
  Shifted<T> b(fractions<T>(k * n), shift / 2);
  Shifted<T> c(std::vector<T>(static_cast<std::size_t>(m * n)), shift);
  Shifted<T> y(std::vector<T>(static_cast<std::size_t>(m)), shift);
  auto const left = view<T>(a.values(), a.values(), m, k, (flags & 1) != 0);
  auto const right = view<T>(b.values(), b.values(), k, n, (flags & 2) != 0);
  QUARTIC_HOST_KERNELS::gemm<T>(1, left, right, 0, {c.values(), m, n});
  QUARTIC_HOST_KERNELS::gemv<T>(1, left, {b.values(), static_cast<std::size_t>(k)}, 0,
                                {y.values(), static_cast<std::size_t>(m)});
  std::vector<T> results(c.values(), c.values() + m * n);
  results.insert(results.end(), y.values(), y.values() + m);
  return results;
}

template <class T>
bool depends_on_addresses() {
  for (int flags = 0; flags < 4; ++flags) {
    std::vector<T> const aligned = products_at<T>(0, flags);
    for (std::int64_t shift = 1; shift <= largest_shift; ++shift) {
      if (products_at<T>(shift, flags) != aligned) return true;
    }
  }
  return false;
}

template <class T>
bool are_right() {
  return std::ranges::all_of(shapes, [](Shape const& shape) {
    return gemm_is_right<T>(shape) && gemv_is_right<T>(shape);
  });
}

Products compare_products() {
  if (!are_right<float>() || !are_right<double>()) return Products::wrong;
  if (depends_on_addresses<float>() || depends_on_addresses<double>())
    return Products::address_dependent;
  return Products::right;
}

sigjmp_buf before_products;  // NOLINT: a signal handler has no other way back

void leave_products(int /*signal*/) {
  siglongjmp(before_products, 1);
}

}  // namespace

Products check_products() {
  struct sigaction action {};
  struct sigaction earlier {};
  action.sa_handler = leave_products;
  sigaction(SIGILL, &action, &earlier);
  // What the jump leaves behind is lost: nobody computes with such a kernel afterwards.
  Products const found =
      sigsetjmp(before_products, 1) == 0 ? compare_products() : Products::illegal;  // NOLINT
  sigaction(SIGILL, &earlier, nullptr);
  return found;
}

}  // namespace quartic::compute
