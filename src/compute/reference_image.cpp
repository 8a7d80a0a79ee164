// The plain forms of what image networks are made of.
#include <algorithm>
#include <cmath>
#include <vector>

#include "quartic/compute/reference.hpp"

namespace quartic::compute::reference {
namespace {

std::size_t index(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

// Calls visit(plane of x, output in its plane, element of x in its plane, tap of the kernel) for
// every pair of one channel that meets; elements outside of the image are left out.
template <class Visit>
void for_pairs(Window const& window, std::int64_t planes, Visit visit) {
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t output = 0; output < window.output_pixels(); ++output) {
      for (std::int64_t tap = 0; tap < window.kernel_height * window.kernel_width; ++tap) {
        std::int64_t const row = output / window.output_width() * window.stride +
                                 tap / window.kernel_width - window.padding;
        std::int64_t const column = output % window.output_width() * window.stride +
                                    tap % window.kernel_width - window.padding;
        if (row < 0 || row >= window.height || column < 0 || column >= window.width) continue;
        visit(plane, output, row * window.width + column, tap);
      }
    }
  }
}

// Calls visit(element of w, element of x, element of y) for every product of a convolution.
template <class Visit>
void for_products(Convolution const& shape, std::int64_t images, Visit visit) {
  Window const& window = shape.window;
  std::int64_t const taps = window.kernel_height * window.kernel_width;
  for_pairs(window, images * window.channels,
            [&](std::int64_t plane, std::int64_t pixel, std::int64_t input, std::int64_t tap) {
              std::int64_t const image = plane / window.channels;
              std::int64_t const channel = plane % window.channels;
              for (std::int64_t o = 0; o < shape.outputs; ++o) {
                visit(index((o * window.channels + channel) * taps + tap),
                      index(plane * window.input_pixels() + input),
                      index((image * shape.outputs + o) * window.output_pixels() + pixel));
              }
            });
}

template <class T>
void store(std::vector<double> const& sums, std::span<T> to) {
  std::transform(sums.begin(), sums.end(), to.begin(),
                 [](double sum) { return static_cast<T>(sum); });
}

// Calls visit(element of x, its channel).
template <class Visit>
void for_elements(Batches const& shape, Visit visit) {
  for (std::int64_t i = 0; i < shape.images * shape.channels * shape.pixels; ++i) {
    visit(index(i), index(i / shape.pixels % shape.channels));
  }
}

template <class T>
double deviation(T variance, double epsilon) {
  return std::sqrt(double{variance} + epsilon);
}

// Calls visit(element of x, element of y) for the images in the middle.
template <class Visit>
void for_middle(std::int64_t planes, std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, Visit visit) {
  for (std::int64_t i = 0; i < planes * height * width; ++i) {
    std::int64_t const plane = i / (height * width);
    std::int64_t const row = i / width % height + (y_height - height) / 2;
    std::int64_t const column = i % width + (y_width - width) / 2;
    visit(index(i), index((plane * y_height + row) * y_width + column));
  }
}

}  // namespace

template <class T>
void convolution_forward(Convolution const& shape, std::int64_t images, std::span<T const> w,
                         std::span<T const> x, std::span<T> y) {
  std::vector<double> sums(y.size());
  for_products(shape, images, [&](std::size_t in_w, std::size_t in_x, std::size_t in_y) {
    sums[in_y] += double{w[in_w]} * double{x[in_x]};
  });
  store<T>(sums, y);
}

template <class T>
void convolution_input_gradient(Convolution const& shape, std::int64_t images, std::span<T const> w,
                                std::span<T const> dy, std::span<T> dx) {
  std::vector<double> sums(dx.size());
  for_products(shape, images, [&](std::size_t in_w, std::size_t in_x, std::size_t in_y) {
    sums[in_x] += double{w[in_w]} * double{dy[in_y]};
  });
  store<T>(sums, dx);
}

template <class T>
void convolution_weight_gradient(Convolution const& shape, std::int64_t images,
                                 std::span<T const> x, std::span<T const> dy, std::span<T> dw) {
  std::vector<double> sums(dw.begin(), dw.end());
  for_products(shape, images, [&](std::size_t in_w, std::size_t in_x, std::size_t in_y) {
    sums[in_w] += double{x[in_x]} * double{dy[in_y]};
  });
  store<T>(sums, dw);
}

template <class T>
void add_channel_bias(std::span<T const> bias, std::int64_t pixels, std::span<T> y) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i / index(pixels) % bias.size()];
}

template <class T>
void add_channel_sums(std::int64_t pixels, std::span<T const> x, std::span<T> sum) {
  std::vector<double> sums(sum.begin(), sum.end());
  for (std::size_t i = 0; i < x.size(); ++i) sums[i / index(pixels) % sum.size()] += double{x[i]};
  store<T>(sums, sum);
}

template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place) {
  for_pairs(window, images * window.channels,
            [&](std::int64_t plane, std::int64_t pixel, std::int64_t input, std::int64_t tap) {
              std::size_t const output = index(plane * window.output_pixels() + pixel);
              T const value = x[index(plane * window.input_pixels() + input)];
              if (tap > 0 && value <= y[output]) return;
              if (tap > 0 && std::isnan(y[output]) && !std::isnan(value)) return;
              y[output] = value;
              place[output] = static_cast<T>(tap);
            });
}

template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx) {
  std::fill(dx.begin(), dx.end(), T(0));
  for_pairs(window, images * window.channels,
            [&](std::int64_t plane, std::int64_t pixel, std::int64_t input, std::int64_t tap) {
              std::size_t const output = index(plane * window.output_pixels() + pixel);
              if (place[output] != static_cast<T>(tap)) return;
              dx[index(plane * window.input_pixels() + input)] += dy[output];
            });
}

template <class T>
void average_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                          std::span<T> y) {
  std::vector<double> sums(y.size());
  for_pairs(window, images * window.channels,
            [&](std::int64_t plane, std::int64_t pixel, std::int64_t input, std::int64_t) {
              sums[index(plane * window.output_pixels() + pixel)] +=
                  double{x[index(plane * window.input_pixels() + input)]};
            });
  for (double& sum : sums) sum /= static_cast<double>(window.kernel_height * window.kernel_width);
  store<T>(sums, y);
}

template <class T>
void average_pool_backward(Window const& window, std::int64_t images, std::span<T const> dy,
                           std::span<T> dx) {
  std::vector<double> sums(dx.size());
  for_pairs(window, images * window.channels,
            [&](std::int64_t plane, std::int64_t pixel, std::int64_t input, std::int64_t) {
              sums[index(plane * window.input_pixels() + input)] +=
                  double{dy[index(plane * window.output_pixels() + pixel)]} /
                  static_cast<double>(window.kernel_height * window.kernel_width);
            });
  store<T>(sums, dx);
}

template <class T>
void batch_statistics(Batches const& shape, std::span<T const> x, std::span<T> mean,
                      std::span<T> variance) {
  auto const count = static_cast<double>(shape.count());
  std::vector<double> sums(index(shape.channels)), squares(index(shape.channels));
  for_elements(shape, [&](std::size_t i, std::size_t c) { sums[c] += double{x[i]} / count; });
  for_elements(shape, [&](std::size_t i, std::size_t c) {
    squares[c] += (double{x[i]} - sums[c]) * (double{x[i]} - sums[c]) / count;
  });
  store<T>(sums, mean);
  store<T>(squares, variance);
}

template <class T>
void normalise(Batches const& shape, double epsilon, std::span<T const> w, std::span<T const> b,
               std::span<T const> mean, std::span<T const> variance, std::span<T const> x,
               std::span<T> y) {
  for_elements(shape, [&](std::size_t i, std::size_t c) {
    double const normal = (double{x[i]} - double{mean[c]}) / deviation(variance[c], epsilon);
    y[i] = static_cast<T>(double{w[c]} * normal + double{b[c]});
  });
}

template <class T>
void normalise_sums(Batches const& shape, double epsilon, std::span<T const> mean,
                    std::span<T const> variance, std::span<T const> x, std::span<T const> dy,
                    std::span<T> dw, std::span<T> db) {
  std::vector<double> products(dw.size()), sums(db.size());
  for_elements(shape, [&](std::size_t i, std::size_t c) {
    double const normal = (double{x[i]} - double{mean[c]}) / deviation(variance[c], epsilon);
    products[c] += double{dy[i]} * normal;
    sums[c] += double{dy[i]};
  });
  store<T>(products, dw);
  store<T>(sums, db);
}

template <class T>
void normalise_backward(Batches const& shape, double epsilon, std::span<T const> w,
                        std::span<T const> mean, std::span<T const> variance, std::span<T const> dw,
                        std::span<T const> db, std::span<T const> x, std::span<T const> dy,
                        std::span<T> dx) {
  auto const count = static_cast<double>(shape.count());
  for_elements(shape, [&](std::size_t i, std::size_t c) {
    double const normal = (double{x[i]} - double{mean[c]}) / deviation(variance[c], epsilon);
    double const slope = double{dy[i]} - (double{db[c]} + normal * double{dw[c]}) / count;
    dx[i] = static_cast<T>(double{w[c]} / deviation(variance[c], epsilon) * slope);
  });
}

template <class T>
void pad_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, std::span<T const> x, std::span<T> y) {
  std::fill(y.begin(), y.end(), T(0));
  for_middle(std::ssize(x) / (height * width), height, width, y_height, y_width,
             [&](std::size_t in_x, std::size_t in_y) { y[in_y] = x[in_x]; });
}

template <class T>
void crop_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                 std::int64_t y_width, std::span<T const> dy, std::span<T> dx) {
  for_middle(std::ssize(dx) / (height * width), height, width, y_height, y_width,
             [&](std::size_t in_x, std::size_t in_y) { dx[in_x] = dy[in_y]; });
}

#define QUARTIC_INSTANTIATE(T)                                                                     \
  template void convolution_forward(Convolution const&, std::int64_t, std::span<T const>,          \
                                    std::span<T const>, std::span<T>);                             \
  template void convolution_input_gradient(Convolution const&, std::int64_t, std::span<T const>,   \
                                           std::span<T const>, std::span<T>);                      \
  template void convolution_weight_gradient(Convolution const&, std::int64_t, std::span<T const>,  \
                                            std::span<T const>, std::span<T>);                     \
  template void add_channel_bias(std::span<T const>, std::int64_t, std::span<T>);                  \
  template void add_channel_sums(std::int64_t, std::span<T const>, std::span<T>);                  \
  template void max_pool_forward(Window const&, std::int64_t, std::span<T const>, std::span<T>,    \
                                 std::span<T>);                                                    \
  template void max_pool_backward(Window const&, std::int64_t, std::span<T const>,                 \
                                  std::span<T const>, std::span<T>);                               \
  template void average_pool_forward(Window const&, std::int64_t, std::span<T const>,              \
                                     std::span<T>);                                                \
  template void average_pool_backward(Window const&, std::int64_t, std::span<T const>,             \
                                      std::span<T>);                                               \
  template void batch_statistics(Batches const&, std::span<T const>, std::span<T>, std::span<T>);  \
  template void normalise(Batches const&, double, std::span<T const>, std::span<T const>,          \
                          std::span<T const>, std::span<T const>, std::span<T const>,              \
                          std::span<T>);                                                           \
  template void normalise_sums(Batches const&, double, std::span<T const>, std::span<T const>,     \
                               std::span<T const>, std::span<T const>, std::span<T>,               \
                               std::span<T>);                                                      \
  template void normalise_backward(Batches const&, double, std::span<T const>, std::span<T const>, \
                                   std::span<T const>, std::span<T const>, std::span<T const>,     \
                                   std::span<T const>, std::span<T const>, std::span<T>);          \
  template void pad_planes(std::int64_t, std::int64_t, std::int64_t, std::int64_t,                 \
                           std::span<T const>, std::span<T>);                                      \
  template void crop_planes(std::int64_t, std::int64_t, std::int64_t, std::int64_t,                \
                            std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute::reference
