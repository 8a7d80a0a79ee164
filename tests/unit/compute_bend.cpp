#include <doctest/doctest.h>

#include "quartic/compute/bend.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

TEST_CASE_TEMPLATE("blend, predict, correct and the outer step are what they say", T, float,
                   double) {
  for (std::int64_t size = 0; size < 40; ++size) {
    auto const n = static_cast<std::size_t>(size);
    auto const a = normals<T>(size);
    auto const b = normals<T>(size);
    auto out = poison<T>(size);
    std::vector<T> expected(n);

    run(blend<T>, 0.25, a, b, out);
    for (std::size_t i = 0; i < n; ++i) expected[i] = T(0.25) * a[i] + T(0.75) * b[i];
    CHECK(distance(out, expected) < rounding<T>);

    run(predict<T>, 0.5, a, b, out);
    for (std::size_t i = 0; i < n; ++i) expected[i] = a[i] - T(0.5) * b[i];
    CHECK(distance(out, expected) < rounding<T>);

    auto last = b;
    auto const u_before = normals<T>(size);
    auto u = u_before;
    run(correct<T>, {0.75, 3}, a, last, u, out);
    for (std::size_t i = 0; i < n; ++i) {
      expected[i] = a[i] - 3 * (T(0.75) * u_before[i] + T(0.25) * (a[i] - b[i]));
    }
    CHECK(distance(out, expected) < 4 * rounding<T>);
    CHECK(last == a);

    auto mean = a;
    auto old = b;
    auto m = u_before;
    run(outer_step<T>, {0.7, 0.9}, mean, old, m);
    for (std::size_t i = 0; i < n; ++i) {
      T const moved = b[i] - a[i];
      T const momentum = T(0.9) * u_before[i] + moved;
      expected[i] = b[i] - T(0.7) * (moved + T(0.9) * momentum);
    }
    CHECK(distance(mean, expected) < 4 * rounding<T>);
    CHECK(old == mean);
  }
}

TEST_CASE("an outer step of rate 1 without momentum is the mean") {
  std::vector<double> mean{3, -1};
  std::vector<double> old{1, 5};
  std::vector<double> m{0, 0};
  run(outer_step<double>, {1, 0}, mean, old, m);
  CHECK(mean == std::vector<double>{3, -1});
}
