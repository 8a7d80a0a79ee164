#include <doctest/doctest.h>

#include <limits>

#include "quartic/compute/reference.hpp"
#include "quartic/compute/vector.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

TEST_CASE_TEMPLATE("copy and fill reach every element and no other", T, float, double) {
  for (std::int64_t const size : {0, 1, 255, 256, 257, 512, 1000, 5000}) {
    auto const from = normals<T>(size);
    auto to = poison<T>(size + 1);
    auto const inside = std::span<T>(to).first(from.size());
    run(copy<T>, from, inside);
    CHECK(std::equal(from.begin(), from.end(), to.begin()));
    run(fill<T>, T(2.5), inside);
    CHECK(std::count(to.begin(), to.end(), T(2.5)) == size);
    CHECK(std::isnan(to.back()));
  }
}

TEST_CASE_TEMPLATE("sums equal the plain ones at every length and place", T, float, double) {
  for (std::int64_t size = 0; size < 40; ++size) {
    auto const x = normals<T>(size + 1);
    auto const y = normals<T>(size + 1);
    auto const a = std::span<T const>(x).subspan(1);
    auto const b = std::span<T const>(y).subspan(1);
    CHECK(run(dot<T>, a, b) == doctest::Approx(reference::dot<T>(a, b)).epsilon(1e-13));
    CHECK(run(sum_of_squares<T>, a) == run(dot<T>, a, a));
    CHECK(run(squared_distance<T>, a, b) ==
          doctest::Approx(reference::squared_distance<T>(a, b)).epsilon(1e-13));
    std::vector<T> const elsewhere(a.begin(), a.end());
    CHECK(run(sum_of_squares<T>, elsewhere) == run(sum_of_squares<T>, a));
  }
}

TEST_CASE_TEMPLATE("one infinity or NaN is found wherever it is, and no large number is one", T,
                   float, double) {
  using Limits = std::numeric_limits<T>;
  for (std::size_t size = 0; size < 100; ++size) {
    std::vector<T> x(size, Limits::max());
    for (std::size_t i = 1; i < size; i += 2)
      x[i] = i % 4 == 1 ? Limits::lowest() : Limits::denorm_min();
    CHECK(run(is_finite<T>, x));
    for (T& value : x) {
      T const finite = value;
      for (T const other : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
        value = other;
        CHECK_FALSE(run(is_finite<T>, x));
      }
      value = finite;
    }
  }
}

TEST_CASE_TEMPLATE("sums keep in double what a sum in T would lose", T, float, double) {
  std::vector<T> const x(100000, T(0.1));
  CHECK(run(sum_of_squares<T>, x) ==
        doctest::Approx(1e5 * double{T(0.1)} * double{T(0.1)}).epsilon(1e-12));
}

TEST_CASE_TEMPLATE("bias, column sums, scaled sums and the transpose equal the plain ones", T,
                   float, double) {
  constexpr std::int64_t rows = 9, columns = 13, stride = 17;
  auto const bias = normals<T>(columns);
  auto y = normals<T>(rows * stride);
  auto expected = y;
  run(fill_rows<T>, bias, {y.data(), rows, columns, stride});
  reference::fill_rows<T>(bias, {expected.data(), rows, columns, stride});
  CHECK(y == expected);

  auto sum = normals<T>(columns);
  auto expected_sum = sum;
  run(add_column_sums<T>, {y.data(), rows, columns, stride}, sum);
  reference::add_column_sums<T>({y.data(), rows, columns, stride}, expected_sum);
  CHECK(sum == expected_sum);

  auto scaled = sum;
  run(add_scaled<T>, T(-0.5), bias, scaled);
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(scaled[i] == sum[i] + T(-0.5) * bias[i]);

  auto turned = poison<T>(rows * columns);
  run(transpose<T>, {y.data(), rows, columns, stride}, turned);
  for (std::size_t i = 0; i < turned.size(); ++i) {
    CHECK(turned[i] == y[(i % rows) * stride + i / rows]);
  }
}
