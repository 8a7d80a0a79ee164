#include <doctest/doctest.h>

#include <array>

#include "quartic/compute/image.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

// Windows side by side, that overlap, that leave pixels out, the whole image.
constexpr std::array<Window, 5> windows{{{3, 4, 6, 2, 2, 2},
                                         {2, 7, 9, 3, 3, 2},
                                         {2, 5, 5, 2, 2, 2},
                                         {4, 5, 3, 5, 3},
                                         {1, 9, 4, 2, 1, 3}}};
constexpr std::int64_t images = 3;
constexpr double epsilon = 1e-5;

std::int64_t input_size(Window const& window) {
  return images * window.input_size();
}
std::int64_t output_size(Window const& window) {
  return images * window.channels * window.output_pixels();
}

}  // namespace

TEST_CASE_TEMPLATE("max pooling equals the plain one", T, float, double) {
  for (Window const& window : windows) {
    auto x = normals<T>(input_size(window));
    for (T& value : x) value = std::round(2 * value);  // equal ones among them
    auto y = poison<T>(output_size(window));
    auto place = y, expected_y = y, expected_place = y;
    run(max_pool_forward<T>, window, images, x, y, place);
    reference::max_pool_forward<T>(window, images, x, expected_y, expected_place);
    CHECK(y == expected_y);
    CHECK(place == expected_place);
    auto const dy = normals<T>(std::ssize(y));
    auto dx = poison<T>(std::ssize(x));
    auto expected_dx = dx;
    run(max_pool_backward<T>, window, images, place, dy, dx);
    reference::max_pool_backward<T>(window, images, place, dy, expected_dx);
    CHECK(dx == expected_dx);
  }
}

TEST_CASE_TEMPLATE("max pooling hides no NaN", T, float, double) {
  auto const not_a_number = poison<T>(1)[0];
  for (std::size_t at = 0; at < 4; ++at) {
    std::vector<T> x{1, 2, 3, 4};
    x[at] = not_a_number;
    auto y = normals<T>(1), place = y;
    run(max_pool_forward<T>, {1, 2, 2, 2, 2}, 1, x, y, place);
    CHECK(std::isnan(y[0]));
    CHECK(place[0] == static_cast<T>(at));
  }
}

TEST_CASE_TEMPLATE("average pooling equals the plain one", T, float, double) {
  for (Window const& window : windows) {
    auto const x = normals<T>(input_size(window));
    auto y = poison<T>(output_size(window));
    auto expected_y = y;
    run(average_pool_forward<T>, window, images, x, y);
    reference::average_pool_forward<T>(window, images, x, expected_y);
    CHECK(distance(y, expected_y) < rounding<T>);
    auto dx = poison<T>(std::ssize(x));
    auto expected_dx = dx;
    run(average_pool_backward<T>, window, images, y, dx);
    reference::average_pool_backward<T>(window, images, y, expected_dx);
    CHECK(distance(dx, expected_dx) < rounding<T>);
  }
}

TEST_CASE_TEMPLATE("batch normalisation equals the plain one", T, float, double) {
  for (std::int64_t const pixels : {1, 5, 16, 63}) {
    Batches const shape{images, 7, pixels};
    auto x = normals<T>(images * 7 * pixels);
    for (T& value : x) value = 3 * value + 20;
    auto mean = poison<T>(7), variance = mean, dw = mean, db = mean;
    auto expected_mean = mean, expected_variance = mean, expected_dw = mean, expected_db = mean;
    run(batch_statistics<T>, shape, x, mean, variance);
    reference::batch_statistics<T>(shape, x, expected_mean, expected_variance);
    CHECK(distance(mean, expected_mean) < rounding<T>);
    CHECK(distance(variance, expected_variance) < rounding<T>);

    auto const w = normals<T>(7), b = normals<T>(7);
    auto y = poison<T>(std::ssize(x)), expected_y = y, dx = y, expected_dx = y;
    run(normalise<T>, shape, epsilon, w, b, mean, variance, x, y);
    reference::normalise<T>(shape, epsilon, w, b, mean, variance, x, expected_y);
    CHECK(distance(y, expected_y) < rounding<T>);

    auto const dy = normals<T>(std::ssize(x));
    run(normalise_sums<T>, shape, epsilon, mean, variance, x, dy, dw, db);
    reference::normalise_sums<T>(shape, epsilon, mean, variance, x, dy, expected_dw, expected_db);
    CHECK(distance(dw, expected_dw) < rounding<T>);
    CHECK(distance(db, expected_db) < rounding<T>);
    run(normalise_backward<T>, shape, epsilon, w, mean, variance, dw, db, x, dy, dx);
    reference::normalise_backward<T>(shape, epsilon, w, mean, variance, dw, db, x, dy, expected_dx);
    CHECK(distance(dx, expected_dx) < rounding<T>);
  }
}

TEST_CASE_TEMPLATE("padded planes hold the image in the middle, and give it back", T, float,
                   double) {
  constexpr std::array<std::array<std::int64_t, 4>, 4> sizes{
      {{28, 28, 32, 32}, {3, 2, 4, 7}, {5, 4, 5, 4}, {1, 1, 2, 2}}};
  for (auto const& [height, width, y_height, y_width] : sizes) {
    auto const x = normals<T>(images * height * width);
    auto y = poison<T>(images * y_height * y_width), expected = y;
    run(pad_planes<T>, height, width, y_height, y_width, x, y);
    reference::pad_planes<T>(height, width, y_height, y_width, x, expected);
    CHECK(y == expected);
    auto back = poison<T>(std::ssize(x)), expected_back = back;
    run(crop_planes<T>, height, width, y_height, y_width, y, back);
    reference::crop_planes<T>(height, width, y_height, y_width, y, expected_back);
    CHECK(back == x);
    CHECK(expected_back == x);
  }
}
