#include <doctest/doctest.h>

#include "quartic/compute/bend.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

/// Factors 0.5, -0.5, -1.5, -2.5.
template <class T>
void bend_all(std::vector<std::vector<T>> const& values, std::vector<T>& out) {
  Operands on;
  std::vector<Term<T>> terms;
  for (std::size_t k = 0; k < values.size(); ++k)
    terms.push_back({0.5 - static_cast<double>(k), on(std::span<T const>(values[k]))});
  bend<T>(terms, on(std::span(out)));
}

}  // namespace

TEST_CASE_TEMPLATE("the passes over weights are what they say", T, float, double) {
  for (std::int64_t size = 0; size < 40; ++size) {
    auto const n = static_cast<std::size_t>(size);
    auto const a = normals<T>(size);
    auto const b = normals<T>(size);
    auto out = poison<T>(size);
    std::vector<T> expected(n);

    run(blend<T>, 0.25, a, b, out);
    for (std::size_t i = 0; i < n; ++i) expected[i] = T(0.25) * a[i] + T(0.75) * b[i];
    CHECK(distance(out, expected) < rounding<T>);

    auto last = b;
    auto const u_before = normals<T>(size);
    auto u = u_before;
    run(add_to_mean_update<T>, 0.75, a, last, u);
    for (std::size_t i = 0; i < n; ++i)
      expected[i] = T(0.75) * u_before[i] + T(0.25) * (a[i] - b[i]);
    CHECK(distance(u, expected) < rounding<T>);
    CHECK(last == a);

    auto g = normals<T>(size);
    auto sum = u_before;
    for (std::size_t i = 0; i < n; ++i)
      expected[i] = u_before[i] + g[i] + T(0.5) * g[i] * g[i] * (a[i] - b[i]);
    run(add_compensated<T>, 0.5, a, b, g, sum);
    CHECK(distance(sum, expected) < 4 * rounding<T>);
    CHECK(g == std::vector<T>(n, T(0)));

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

TEST_CASE_TEMPLATE("bend adds up one to four terms, also into the memory of one of them", T, float,
                   double) {
  for (std::int64_t size : {0, 1, 7, 40}) {
    for (std::size_t count = 1; count <= 4; ++count) {
      std::vector<std::vector<T>> values;
      std::vector<T> expected(static_cast<std::size_t>(size));
      for (std::size_t k = 0; k < count; ++k) {
        values.push_back(normals<T>(size));
        auto const factor = static_cast<T>(0.5 - static_cast<double>(k));
        for (std::size_t i = 0; i < expected.size(); ++i)
          expected[i] = k == 0 ? factor * values[k][i] : expected[i] + factor * values[k][i];
      }
      auto out = poison<T>(size);
      bend_all(values, out);
      CHECK(out == expected);
      bend_all(values, values.back());
      CHECK(values.back() == expected);
    }
  }
}

TEST_CASE("an outer step of rate 1 without momentum is the mean") {
  std::vector<double> mean{3, -1};
  std::vector<double> old{1, 5};
  std::vector<double> m{0, 0};
  run(outer_step<double>, {1, 0}, mean, old, m);
  CHECK(mean == std::vector<double>{3, -1});
}
