#include <doctest/doctest.h>

#include "quartic/compute/convolution.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

// Small images that share a product, large ones cut into lines, a pointwise kernel of either kind,
// strides that leave columns over, a kernel that is wider than the image.
std::vector<Convolution> shapes() {
  return {{{1, 1, 1, 1, 1}, 1},         {{3, 5, 7, 3, 3, 1, 1}, 4},  {{2, 4, 4, 3, 3, 2, 1}, 5},
          {{3, 40, 13, 3, 3, 1, 1}, 2}, {{2, 7, 300, 1, 1}, 3},      {{5, 3, 3, 1, 1}, 7},
          {{4, 9, 8, 1, 1, 2}, 3},      {{2, 11, 9, 5, 3, 3, 2}, 3}, {{1, 2, 2, 3, 3, 1, 1}, 2},
          {{2, 33, 21, 4, 4, 1, 3}, 2}};
}

template <class T>
struct Case {
  Case(Convolution const& convolution, std::int64_t image_count)
      : shape(convolution),
        images(image_count),
        w(normals<T>(shape.outputs * shape.window.reach())),
        x(normals<T>(images * shape.window.input_size())),
        dy(normals<T>(images * shape.outputs * shape.window.output_pixels())),
        scratch(poison<T>(scratch_size(shape, images))) {}

  Convolution shape;
  std::int64_t images;
  std::vector<T> w, x, dy, scratch;
};

}  // namespace

TEST_CASE_TEMPLATE("convolutions and both halves of their backward equal the plain ones", T, float,
                   double) {
  for (Convolution const& shape : shapes()) {
    for (std::int64_t const images : {1, 2, 19}) {
      Case<T> c(shape, images);
      CAPTURE(c.x.size());
      auto y = poison<T>(std::ssize(c.dy));
      auto expected_y = y;
      run(convolution_forward<T>, shape, images, c.w, c.x, y, c.scratch);
      reference::convolution_forward<T>(shape, images, c.w, c.x, expected_y);
      CHECK(distance(y, expected_y) < 10 * rounding<T>);

      auto dx = poison<T>(std::ssize(c.x));
      auto expected_dx = dx;
      run(convolution_input_gradient<T>, shape, images, c.w, c.dy, dx, c.scratch);
      reference::convolution_input_gradient<T>(shape, images, c.w, c.dy, expected_dx);
      CHECK(distance(dx, expected_dx) < 10 * rounding<T>);

      auto dw = normals<T>(std::ssize(c.w));
      auto expected_dw = dw;
      run(convolution_weight_gradient<T>, shape, images, c.x, c.dy, dw, c.scratch);
      reference::convolution_weight_gradient<T>(shape, images, c.x, c.dy, expected_dw);
      CHECK(distance(dw, expected_dw) < 10 * rounding<T>);
    }
  }
}

TEST_CASE_TEMPLATE("the bias of channels and its gradient equal the plain ones", T, float, double) {
  for (std::int64_t const pixels : {1, 7, 16, 100}) {
    auto const bias = normals<T>(5);
    auto y = normals<T>(3 * 5 * pixels);
    auto expected = y;
    run(add_channel_bias<T>, bias, pixels, y);
    reference::add_channel_bias<T>(bias, pixels, expected);
    CHECK(y == expected);
    auto sum = normals<T>(5);
    auto expected_sum = sum;
    run(add_channel_sums<T>, pixels, y, sum);
    reference::add_channel_sums<T>(pixels, y, expected_sum);
    CHECK(distance(sum, expected_sum) < rounding<T>);
  }
}
