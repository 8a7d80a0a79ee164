// Pooling and padding on the host.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "quartic/compute/image.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

void check(Window const& window, std::int64_t images, std::size_t inputs, std::size_t outputs) {
  QUARTIC_ASSERT(window.padding == 0);
  QUARTIC_ASSERT(static_cast<std::int64_t>(inputs) == images * window.input_size());
  QUARTIC_ASSERT(static_cast<std::int64_t>(outputs) ==
                 images * window.channels * window.output_pixels());
}

// Calls visit(output, plane, first pixel of its window) for every output in order; planes are the
// channels of all images, one after the other.
template <class Visit>
void for_outputs(Window const& window, std::int64_t images, Visit visit) {
  std::size_t output = 0;
  for (std::int64_t plane = 0; plane < images * window.channels; ++plane) {
    for (std::int64_t row = 0; row < window.output_height(); ++row) {
      for (std::int64_t column = 0; column < window.output_width(); ++column, ++output) {
        visit(output, plane, (row * window.width + column) * window.stride);
      }
    }
  }
}

// Compares a line of outputs with what one tap of their windows reads. Two choices for each result
// rather than one with two conditions: so the compiler finds vector registers for them.
template <class T, class Stride>
void keep_larger(T const* x, T tap, Stride stride, std::int64_t outputs, T* y, T* place) {
  for (std::int64_t i = 0; i < outputs; ++i) {
    T const value = x[i * stride];
    place[i] = value > y[i] ? tap : place[i];
    place[i] = std::isnan(value) ? tap : place[i];
    y[i] = value > y[i] ? value : y[i];
    y[i] = std::isnan(value) ? value : y[i];
  }
}

// Calls visit(first element in the small plane, first in the large one) for every line of every
// small plane.
template <class Visit>
void for_middle(std::int64_t planes, std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, Visit visit) {
  std::int64_t const top = (y_height - height) / 2;
  std::int64_t const left = (y_width - width) / 2;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t line = 0; line < height; ++line) {
      visit((plane * height + line) * width, (plane * y_height + top + line) * y_width + left);
    }
  }
}

// As max_pool_forward; `stride` is the window's, as a constant where that helps.
template <class T, class Stride>
void take_largest(Window const& window, std::int64_t images, Stride stride, T const* x, T* y,
                  T* place) {
  std::int64_t const width = window.output_width();
  for (std::int64_t line = 0; line < images * window.channels * window.output_height(); ++line) {
    T const* const plane = x + line / window.output_height() * window.input_pixels();
    T const* first = plane + line % window.output_height() * stride * window.width;
    for (std::int64_t a = 0; a < window.kernel_height; ++a, first += window.width) {
      for (std::int64_t b = 0; b < window.kernel_width; ++b) {
        auto const tap = static_cast<T>(a * window.kernel_width + b);
        keep_larger(first + b, tap, stride, width, y, place);
      }
    }
    y += width;
    place += width;
  }
}

}  // namespace

template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place) {
  check(window, images, x.size(), y.size());
  QUARTIC_ASSERT(place.size() == y.size());
  std::fill(y.begin(), y.end(), -std::numeric_limits<T>::infinity());
  std::fill(place.begin(), place.end(), T(0));
  if (window.stride == 2) {
    std::integral_constant<std::int64_t, 2> const two;
    return take_largest(window, images, two, x.data(), y.data(), place.data());
  }
  take_largest(window, images, window.stride, x.data(), y.data(), place.data());
}

template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx) {
  check(window, images, dx.size(), dy.size());
  QUARTIC_ASSERT(place.size() == dy.size());
  std::fill(dx.begin(), dx.end(), T(0));
  auto const kernel_width = static_cast<std::int32_t>(window.kernel_width);
  for_outputs(window, images, [&](std::size_t output, std::int64_t plane, std::int64_t first) {
    auto const tap = static_cast<std::int32_t>(place[output]);
    std::int64_t const pixel = first + tap / kernel_width * window.width + tap % kernel_width;
    dx[static_cast<std::size_t>(plane * window.input_pixels() + pixel)] += dy[output];
  });
}

template <class T>
void average_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                          std::span<T> y) {
  check(window, images, x.size(), y.size());
  T const share = T(1) / static_cast<T>(window.kernel_height * window.kernel_width);
  for_outputs(window, images, [&](std::size_t output, std::int64_t plane, std::int64_t first) {
    T const* const pixels = x.data() + plane * window.input_pixels() + first;
    T sum = 0;
    for (std::int64_t a = 0; a < window.kernel_height; ++a) {
      for (std::int64_t b = 0; b < window.kernel_width; ++b) sum += pixels[a * window.width + b];
    }
    y[output] = share * sum;
  });
}

template <class T>
void average_pool_backward(Window const& window, std::int64_t images, std::span<T const> dy,
                           std::span<T> dx) {
  check(window, images, dx.size(), dy.size());
  T const share = T(1) / static_cast<T>(window.kernel_height * window.kernel_width);
  std::fill(dx.begin(), dx.end(), T(0));
  for_outputs(window, images, [&](std::size_t output, std::int64_t plane, std::int64_t first) {
    T* const pixels = dx.data() + plane * window.input_pixels() + first;
    T const slope = share * dy[output];
    for (std::int64_t a = 0; a < window.kernel_height; ++a) {
      for (std::int64_t b = 0; b < window.kernel_width; ++b) pixels[a * window.width + b] += slope;
    }
  });
}

template <class T>
void pad_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, std::span<T const> x, std::span<T> y) {
  std::int64_t const planes = std::ssize(x) / (height * width);
  QUARTIC_ASSERT(height <= y_height && width <= y_width);
  QUARTIC_ASSERT(std::ssize(y) == planes * y_height * y_width);
  std::fill(y.begin(), y.end(), T(0));
  for_middle(planes, height, width, y_height, y_width, [&](std::int64_t small, std::int64_t large) {
    std::copy_n(x.data() + small, width, y.data() + large);
  });
}

template <class T>
void crop_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                 std::int64_t y_width, std::span<T const> dy, std::span<T> dx) {
  std::int64_t const planes = std::ssize(dx) / (height * width);
  QUARTIC_ASSERT(height <= y_height && width <= y_width);
  QUARTIC_ASSERT(std::ssize(dy) == planes * y_height * y_width);
  for_middle(planes, height, width, y_height, y_width, [&](std::int64_t small, std::int64_t large) {
    std::copy_n(dy.data() + large, width, dx.data() + small);
  });
}

#define QUARTIC_INSTANTIATE(T)                                                                  \
  template void max_pool_forward(Window const&, std::int64_t, std::span<T const>, std::span<T>, \
                                 std::span<T>);                                                 \
  template void max_pool_backward(Window const&, std::int64_t, std::span<T const>,              \
                                  std::span<T const>, std::span<T>);                            \
  template void average_pool_forward(Window const&, std::int64_t, std::span<T const>,           \
                                     std::span<T>);                                             \
  template void average_pool_backward(Window const&, std::int64_t, std::span<T const>,          \
                                      std::span<T>);                                            \
  template void pad_planes(std::int64_t, std::int64_t, std::int64_t, std::int64_t,              \
                           std::span<T const>, std::span<T>);                                   \
  template void crop_planes(std::int64_t, std::int64_t, std::int64_t, std::int64_t,             \
                            std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
