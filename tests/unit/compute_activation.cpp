#include <doctest/doctest.h>

#include "quartic/compute/activation.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

template <class T>
using Forward = void (*)(std::span<T const>, std::span<T>);
template <class T>
using Backward = void (*)(std::span<T const>, std::span<T const>, std::span<T>);

// From far left to far right, with both zeros.
template <class T>
std::vector<T> arguments() {
  auto x = normals<T>(203);
  for (T& value : x) value *= 4;
  x.insert(x.end(), {T(0), -T(0), T(30), T(-30), T(1e-6), T(-1e-6)});
  return x;
}

template <class T>
void compare(Forward<T> fast, Forward<T> plain) {
  auto const x = arguments<T>();
  auto y = poison<T>(std::ssize(x));
  auto expected = y;
  run(fast, x, y);
  plain(x, expected);
  CHECK(distance(y, expected) < rounding<T>);
}

template <class T>
void compare(Backward<T> fast, Backward<T> plain) {
  auto const x = arguments<T>();
  auto const dy = normals<T>(std::ssize(x));
  auto dx = poison<T>(std::ssize(x));
  auto expected = dx;
  auto in_place = dy;
  run(fast, x, dy, dx);
  plain(x, dy, expected);
  run(fast, x, in_place, in_place);
  CHECK(distance(dx, expected) < rounding<T>);
  CHECK(in_place == dx);
}

template <class T>
bool keeps_nan(Forward<T> forward) {
  auto const x = poison<T>(9);
  std::vector<T> y(9, T(0));
  run(forward, x, y);
  return std::all_of(y.begin(), y.end(), [](T value) { return std::isnan(value); });
}

}  // namespace

TEST_CASE_TEMPLATE("activations and their derivatives equal the plain ones", T, float, double) {
  compare<T>(relu_forward<T>, reference::relu_forward<T>);
  compare<T>(tanh_forward<T>, reference::tanh_forward<T>);
  compare<T>(gelu_forward<T>, reference::gelu_forward<T>);
  compare<T>(relu_backward<T>, reference::relu_backward<T>);
  compare<T>(tanh_backward<T>, reference::tanh_backward<T>);
  compare<T>(gelu_backward<T>, reference::gelu_backward<T>);
}

TEST_CASE_TEMPLATE("a NaN is not hidden by an activation", T, float, double) {
  CHECK(keeps_nan<T>(relu_forward<T>));
  CHECK(keeps_nan<T>(tanh_forward<T>));
  CHECK(keeps_nan<T>(gelu_forward<T>));
}

TEST_CASE("gelu is the exact form: values of PyTorch's default") {
  std::vector<double> const x{-1, 0.5, 1, 2};
  auto y = poison<double>(4);
  run(gelu_forward<double>, x, y);
  std::vector<double> const expected{-0.15865525393145707, 0.34573123063700656, 0.8413447460685429,
                                     1.9544997361036416};
  CHECK(distance(y, expected) < 1e-15);
}
