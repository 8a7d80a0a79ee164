#include <doctest/doctest.h>

#include "quartic/compute/loss.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

template <class T>
std::vector<T> labels_of_two(std::int64_t count) {
  auto labels = normals<T>(count);
  for (T& label : labels) label = label > 0 ? T(1) : T(0);
  return labels;
}

template <class T>
using Loss = LossSum (*)(std::span<T const>, std::span<T const>, T, std::span<T>);

template <class T>
void compare(Loss<T> fast, Loss<T> plain, std::vector<T> const& z, std::vector<T> const& y) {
  auto gradient = poison<T>(std::ssize(z));
  auto expected = gradient;
  auto in_place = z;
  auto const sum = run(fast, z, y, T(0.125), gradient);
  auto const expected_sum = plain(z, y, T(0.125), expected);
  CHECK(sum.value == doctest::Approx(expected_sum.value).epsilon(rounding<T>));
  CHECK(std::isnan(sum.correct) == std::isnan(expected_sum.correct));
  if (!std::isnan(sum.correct)) CHECK(sum.correct == expected_sum.correct);
  CHECK(distance(gradient, expected) < rounding<T>);
  CHECK(run(fast, z, y, T(0), {}).value == sum.value);
  CHECK(run(fast, in_place, y, T(0.125), in_place).value == sum.value);
  CHECK(in_place == gradient);
}

std::vector<std::int32_t> classes_of(std::int64_t rows, std::int64_t classes) {
  std::vector<std::int32_t> labels;
  for (std::int64_t row = 0; row < rows; ++row) {
    labels.push_back(static_cast<std::int32_t>((row * row + 3) % classes));
  }
  return labels;
}

}  // namespace

TEST_CASE_TEMPLATE("losses of one number a row equal the plain ones", T, float, double) {
  for (std::int64_t const rows : {1, 7, 8, 50}) {
    auto const z = normals<T>(rows);
    compare<T>(squared_error<T>, reference::squared_error<T>, z, normals<T>(rows));
    compare<T>(log_loss<T>, reference::log_loss<T>, z, labels_of_two<T>(rows));
  }
}

TEST_CASE_TEMPLATE("log-loss neither overflows nor cancels", T, float, double) {
  std::vector<T> const z{1000, -1000, 1000, -1000};
  std::vector<T> const y{1, 0, 0, 1};
  auto gradient = poison<T>(4);
  CHECK(run(log_loss<T>, z, y, 1, gradient).value == 2000);
  CHECK(gradient == std::vector<T>{0, 0, 1, -1});
  std::vector<T> const sure{40};
  std::vector<T> const right{1};
  CHECK(run(log_loss<T>, sure, right, 1, {}).value ==
        doctest::Approx(std::exp(-40.0)).epsilon(1e-6));
}

TEST_CASE_TEMPLATE("softmax cross-entropy equals the plain one", T, float, double) {
  for (std::int64_t const classes : {2, 10, 33}) {
    auto const labels = classes_of(12, classes);
    auto z = normals<T>(12 * classes);
    z[1] = 300;  // exp of it overflows in float
    auto gradient = poison<T>(12 * classes);
    auto expected = gradient;
    auto const sum = run(softmax_cross_entropy<T>, classes, z, labels, T(0.25), gradient);
    auto const expected_sum =
        reference::softmax_cross_entropy<T>(classes, z, labels, T(0.25), expected);
    CHECK(sum.value == doctest::Approx(expected_sum.value).epsilon(rounding<T>));
    CHECK(sum.correct == expected_sum.correct);
    CHECK(distance(gradient, expected) < rounding<T>);
    CHECK(run(softmax_cross_entropy<T>, classes, z, labels, 0, {}).value == sum.value);
    run(softmax_cross_entropy<T>, classes, z, labels, T(0.25), z);
    CHECK(z == gradient);
  }
}

TEST_CASE("a NaN shows in every loss") {
  auto const z = poison<double>(4);
  std::vector<double> const y{0, 1, 0, 1};
  std::vector<std::int32_t> const labels{0, 1};
  CHECK(std::isnan(run(squared_error<double>, z, y, 1, {}).value));
  CHECK(std::isnan(run(log_loss<double>, z, y, 1, {}).value));
  CHECK(std::isnan(run(softmax_cross_entropy<double>, 2, z, labels, 1, {}).value));
}
