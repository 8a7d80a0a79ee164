#include <doctest/doctest.h>

#include <array>

#include "quartic/compute/blas.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

template <class T>
ConstMatrix<T> read_as(std::vector<T> const& values, std::int64_t rows, std::int64_t columns,
                       bool as_transpose, std::int64_t gap) {
  if (!as_transpose) return {values.data(), rows, columns, columns + gap};
  return transposed(ConstMatrix<T>{values.data(), columns, rows, rows + gap});
}

template <class T>
void compare_gemm(std::int64_t m, std::int64_t n, std::int64_t k, int flags, T alpha, T beta) {
  std::int64_t const gap = (flags & 4) != 0 ? 3 : 0;
  auto const a = normals<T>((m + gap) * (k + gap));
  auto const b = normals<T>((k + gap) * (n + gap));
  auto fast = beta == 0 ? poison<T>(m * (n + gap)) : normals<T>(m * (n + gap));
  auto plain = fast;
  auto const left = read_as(a, m, k, (flags & 1) != 0, gap);
  auto const right = read_as(b, k, n, (flags & 2) != 0, gap);
  run(gemm<T>, alpha, left, right, beta, {fast.data(), m, n, n + gap});
  reference::gemm<T>(alpha, left, right, beta, {plain.data(), m, n, n + gap});
  for (std::int64_t row = 0; row < m; ++row) {
    auto const line = [&](std::vector<T> const& c) {
      return std::span<T const>(c).subspan(static_cast<std::size_t>(row * (n + gap)),
                                           static_cast<std::size_t>(n));
    };
    CHECK(distance(line(fast), line(plain)) < 10 * rounding<T>);
  }
}

template <class T>
void compare_gemv(std::int64_t rows, std::int64_t columns, bool as_transpose, T alpha, T beta) {
  auto const a = normals<T>(rows * columns);
  auto const x = normals<T>(columns);
  auto fast = beta == 0 ? poison<T>(rows) : normals<T>(rows);
  auto plain = fast;
  run(gemv<T>, alpha, read_as(a, rows, columns, as_transpose, 0), x, beta, fast);
  reference::gemv<T>(alpha, read_as(a, rows, columns, as_transpose, 0), x, beta, plain);
  CHECK(distance(fast, plain) < 10 * rounding<T>);
}

// The same numbers `shift` elements further on in memory.
template <class T>
std::vector<T> shifted(std::vector<T> const& values, std::size_t shift) {
  std::vector<T> moved(values.size() + shift);
  std::copy(values.begin(), values.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
  return moved;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm equals the plain product for all shapes, flags and factors", T, float,
                   double) {
  constexpr std::array<std::array<std::int64_t, 3>, 6> shapes{
      {{1, 1, 1}, {3, 5, 7}, {16, 16, 16}, {1, 40, 33}, {65, 3, 128}, {50, 70, 90}}};
  for (auto const& shape : shapes) {
    for (int flags = 0; flags < 8; ++flags) {
      compare_gemm<T>(shape[0], shape[1], shape[2], flags, 1, 0);
      compare_gemm<T>(shape[0], shape[1], shape[2], flags, T(0.5), 1);
      compare_gemm<T>(shape[0], shape[1], shape[2], flags, -2, T(0.25));
    }
  }
}

TEST_CASE_TEMPLATE("gemm with an empty side changes what beta says", T, float, double) {
  std::vector<T> c{1, 2};
  run(gemm<T>, 1, {nullptr, 1, 0}, {nullptr, 0, 2}, 1, {c.data(), 1, 2});
  CHECK(c == std::vector<T>{1, 2});
  run(gemm<T>, 1, {nullptr, 0, 3}, {nullptr, 3, 0}, 0, {nullptr, 0, 0});
}

TEST_CASE_TEMPLATE("gemv equals the plain product", T, float, double) {
  for (std::int64_t const rows : {1, 5, 64, 200}) {
    for (std::int64_t const columns : {1, 3, 32, 129}) {
      for (bool const flag : {false, true}) {
        compare_gemv<T>(rows, columns, flag, 1, 1);
        compare_gemv<T>(rows, columns, flag, T(-0.5), 0);
      }
    }
  }
}

TEST_CASE_TEMPLATE("products do not depend on where their operands lie", T, float, double) {
  constexpr std::int64_t m = 23, n = 37, k = 41;
  auto const a = normals<T>(m * k);
  auto const b = normals<T>(k * n);
  auto c = poison<T>(m * n);
  auto y = poison<T>(m);
  run(gemm<T>, 1, {a.data(), m, k}, {b.data(), k, n}, 0, {c.data(), m, n});
  run(gemv<T>, 1, {a.data(), m, k}, std::span<T const>(b).first(k), 0, y);
  for (std::size_t shift = 1; shift < 16; ++shift) {
    auto const a2 = shifted(a, shift);
    auto const b2 = shifted(b, shift / 2);
    auto c2 = poison<T>(m * n + 16);
    run(gemm<T>, 1, {a2.data() + shift, m, k}, {b2.data() + shift / 2, k, n}, 0,
        {c2.data() + shift, m, n});
    CHECK(std::equal(c.begin(), c.end(), c2.begin() + static_cast<std::ptrdiff_t>(shift)));
    run(gemv<T>, 1, {a2.data() + shift, m, k}, std::span<T const>(b2).subspan(shift / 2, k), 0,
        std::span<T>(c2).subspan(shift, m));
    CHECK(std::equal(y.begin(), y.end(), c2.begin() + static_cast<std::ptrdiff_t>(shift)));
  }
}

TEST_CASE("the library behind the products names itself") {
  set_blas_threads(1);
  CHECK(blas_description().find("OpenBLAS") != std::string::npos);
  CHECK(!blas_core().empty());
}
