#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "quartic/compute/reference.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/compute/vector.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

template <class T>
struct Result {
  std::vector<T> to, gradient, velocity;
  double gradient_sq = 0;
};

// The update into another block, or into the same one.
template <class T, class Update>
Result<T> apply(Update update, Result<T> start, std::vector<T> const& w, bool in_place) {
  Result<T> result = std::move(start);
  result.to = in_place ? w : poison<T>(std::ssize(w));
  auto const from = in_place ? std::span<T const>(result.to) : std::span<T const>(w);
  result.gradient_sq = update(from, result);
  return result;
}

// `states`: blocks of optimizer state, in r.velocity one after the other; none of it negative.
template <class T, class Fast, class Plain>
void compare(std::int64_t size, Fast fast, Plain plain, std::int64_t states = 1) {
  auto const w = normals<T>(size);
  Result<T> start{{}, normals<T>(size), normals<T>(states * size), 0};
  for (T& value : start.velocity) value = std::abs(value);
  auto const apart = apply(fast, start, w, false);
  auto const in_place = apply(fast, start, w, true);
  auto const expected = apply(plain, start, w, false);
  CHECK(distance(apart.to, expected.to) < rounding<T>);
  CHECK(distance(apart.velocity, expected.velocity) < rounding<T>);
  CHECK(apart.gradient == std::vector<T>(w.size(), T(0)));
  CHECK(apart.gradient_sq == doctest::Approx(expected.gradient_sq).epsilon(1e-12));
  CHECK(apart.gradient_sq == run(sum_of_squares<T>, start.gradient));
  CHECK(in_place.to == apart.to);
  CHECK(in_place.velocity == apart.velocity);
  CHECK(in_place.gradient == apart.gradient);
  CHECK(in_place.gradient_sq == apart.gradient_sq);
}

}  // namespace

TEST_CASE_TEMPLATE("updates equal the plain ones, in place and apart bitwise alike", T, float,
                   double) {
  SgdStep const sgd{0.125, 0.01};
  MomentumStep const momentum{0.125, 0.01, 0.9};
  MomentumStep const nesterov{0.125, 0.01, 0.9, true};
  AdamStep const nadam{0.99, 0.9, 0.999, 1e-3, 0.05, 0.07, 1.5};
  for (std::int64_t size = 0; size < 40; ++size) {
    compare<T>(
        size, [&](auto from, auto& r) { return run(sgd_update<T>, sgd, from, r.to, r.gradient); },
        [&](auto from, auto& r) { return reference::sgd_update<T>(sgd, from, r.to, r.gradient); });
    for (MomentumStep const& step : {momentum, nesterov}) {
      compare<T>(
          size,
          [&](auto from, auto& r) {
            return run(momentum_update<T>, step, from, r.to, r.gradient, r.velocity);
          },
          [&](auto from, auto& r) {
            return reference::momentum_update<T>(step, from, r.to, r.gradient, r.velocity);
          });
    }
    auto const moment = [size](auto& r, std::int64_t which) {
      return std::span(r.velocity)
          .subspan(static_cast<std::size_t>(which * size), static_cast<std::size_t>(size));
    };
    compare<T>(
        size,
        [&](auto from, auto& r) {
          return run(adam_update<T>, nadam, from, r.to, r.gradient, moment(r, 0), moment(r, 1));
        },
        [&](auto from, auto& r) {
          return reference::adam_update<T>(nadam, from, r.to, r.gradient, moment(r, 0),
                                           moment(r, 1));
        },
        2);
  }
}

TEST_CASE_TEMPLATE("an update after which a weight or a moment is not finite gives NaN", T, float,
                   double) {
  constexpr T largest = std::numeric_limits<T>::max();
  constexpr double half = double{largest} / 2;
  constexpr std::int64_t size = 37;
  AdamStep const adam{1, 0, 2, 1e-3, 0, 0.1, 1};
  for (std::size_t at = 0; at <= size; ++at) {  // behind the last: all is well
    auto const ones_but = [at](T value) {
      std::vector<T> values(size + 1, 1);
      values[at] = value;
      values.pop_back();
      return values;
    };
    auto const w = ones_but(-largest), ones = std::vector<T>(size, 1), squares = ones_but(largest);
    auto const check = [&](auto update) {
      auto to = ones, g = ones, state = ones, second = squares;
      double const gradient_sq = update(to, g, state, second);
      if (at == size) CHECK(gradient_sq == size);
      if (at < size) CHECK(std::isnan(gradient_sq));
    };
    check([&](auto& to, auto& g, auto&, auto&) { return run(sgd_update<T>, {half}, w, to, g); });
    check([&](auto& to, auto& g, auto&, auto&) {
      return reference::sgd_update<T>({half}, w, to, g);
    });
    check([&](auto& to, auto& g, auto& v, auto&) {
      return run(momentum_update<T>, {half, 0, 0}, w, to, g, v);
    });
    check([&](auto& to, auto& g, auto& v, auto&) {
      return reference::momentum_update<T>({half, 0, 0}, w, to, g, v);
    });
    check([&](auto& to, auto& g, auto& m, auto& v) {
      return run(adam_update<T>, adam, ones, to, g, m, v);
    });
    check([&](auto& to, auto& g, auto& m, auto& v) {
      return reference::adam_update<T>(adam, ones, to, g, m, v);
    });
  }
}

TEST_CASE("momentum without memory or decay is plain gradient descent, bitwise") {
  auto const w = normals<double>(37);
  auto first = normals<double>(37);
  auto second = first;
  auto velocity = normals<double>(37);
  auto to = poison<double>(37);
  auto expected = to;
  run(momentum_update<double>, {0.1, 0, 0}, w, to, first, velocity);
  run(sgd_update<double>, {0.1, 0}, w, expected, second);
  CHECK(to == expected);
}
