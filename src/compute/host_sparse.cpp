// Sparse products on the host.
#include <algorithm>
#include <array>

#include "quartic/compute/sparse.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

// Vectors that one walk through the entries serves: two cache lines of doubles, held in registers.
constexpr std::int64_t tile = 16;

// `count` is at most `tile`; the full width is a constant, so that its loops become registers.
template <class T, class Width>
void product_tile(CompressedRows<T> a, std::int64_t vectors, Width count, T const* x, T* y) {
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::array<T, tile> sums{};
    for (std::int64_t entry = a.row_begin[row]; entry < a.row_begin[row + 1]; ++entry) {
      T const value = a.values[entry];
      T const* const line = x + a.column[entry] * vectors;
      for (std::size_t v = 0; v < count; ++v) sums[v] += value * line[v];
    }
    for (std::size_t v = 0; v < count; ++v)
      y[static_cast<std::int64_t>(v) * a.rows + row] += sums[v];
  }
}

template <class T, class Width>
void transposed_tile(CompressedRows<T> a, std::int64_t vectors, Width count, T const* x, T* y) {
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::array<T, tile> factors{};
    for (std::size_t v = 0; v < count; ++v)
      factors[v] = x[static_cast<std::int64_t>(v) * a.rows + row];
    for (std::int64_t entry = a.row_begin[row]; entry < a.row_begin[row + 1]; ++entry) {
      T const value = a.values[entry];
      T* const line = y + a.column[entry] * vectors;
      for (std::size_t v = 0; v < count; ++v) line[v] += value * factors[v];
    }
  }
}

// Calls work(first vector, width) for every tile.
template <class Work>
void for_tiles(std::int64_t vectors, Work work) {
  std::int64_t first = 0;
  for (; first + tile <= vectors; first += tile) {
    work(first, std::integral_constant<std::size_t, std::size_t{tile}>{});
  }
  if (first < vectors) work(first, static_cast<std::size_t>(vectors - first));
}

}  // namespace

template <class T>
void spmv_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(x) == a.columns && std::ssize(y) == a.rows);
  for (std::size_t row = 0; row < y.size(); ++row) {
    T sum = 0;
    for (std::int64_t entry = a.row_begin[row]; entry < a.row_begin[row + 1]; ++entry) {
      sum += a.values[entry] * x[static_cast<std::size_t>(a.column[entry])];
    }
    y[row] += sum;
  }
}

template <class T>
void spmv_transposed_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(x) == a.rows && std::ssize(y) == a.columns);
  for (std::size_t row = 0; row < x.size(); ++row) {
    for (std::int64_t entry = a.row_begin[row]; entry < a.row_begin[row + 1]; ++entry) {
      y[static_cast<std::size_t>(a.column[entry])] += a.values[entry] * x[row];
    }
  }
}

template <class T>
void spmm_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(x) == a.columns * vectors && std::ssize(y) == a.rows * vectors);
  for_tiles(vectors, [&](std::int64_t first, auto width) {
    product_tile(a, vectors, width, x.data() + first, y.data() + first * a.rows);
  });
}

template <class T>
void spmm_transposed_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x,
                         std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(x) == a.rows * vectors && std::ssize(y) == a.columns * vectors);
  for_tiles(vectors, [&](std::int64_t first, auto width) {
    transposed_tile(a, vectors, width, x.data() + first * a.rows, y.data() + first);
  });
}

#define QUARTIC_INSTANTIATE(T)                                                               \
  template void spmv_add(CompressedRows<T>, std::span<T const>, std::span<T>);               \
  template void spmv_transposed_add(CompressedRows<T>, std::span<T const>, std::span<T>);    \
  template void spmm_add(CompressedRows<T>, std::int64_t, std::span<T const>, std::span<T>); \
  template void spmm_transposed_add(CompressedRows<T>, std::int64_t, std::span<T const>,     \
                                    std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
