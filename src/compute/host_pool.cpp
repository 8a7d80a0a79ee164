// Pooling and padding on the host.
#include <algorithm>
#include <cmath>

#include "quartic/compute/image.hpp"
#include "quartic/core/check.hpp"

namespace quartic::compute {
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

// The pixel of a plane that is largest under a window.
template <class T>
std::int64_t largest(Window const& window, T const* plane, std::int64_t first) {
  std::int64_t best = first;
  for (std::int64_t a = 0; a < window.kernel_height; ++a) {
    for (std::int64_t b = 0; b < window.kernel_width; ++b) {
      std::int64_t const pixel = first + a * window.width + b;
      if (plane[pixel] > plane[best] || std::isnan(plane[pixel])) best = pixel;
    }
  }
  return best;
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

}  // namespace

template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place) {
  check(window, images, x.size(), y.size());
  QUARTIC_ASSERT(place.size() == y.size());
  for_outputs(window, images, [&](std::size_t output, std::int64_t plane, std::int64_t first) {
    T const* const pixels = x.data() + plane * window.input_pixels();
    std::int64_t const best = largest(window, pixels, first);
    y[output] = pixels[best];
    place[output] = static_cast<T>(best);
  });
}

template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx) {
  check(window, images, dx.size(), dy.size());
  QUARTIC_ASSERT(place.size() == dy.size());
  std::fill(dx.begin(), dx.end(), T(0));
  for_outputs(window, images, [&](std::size_t output, std::int64_t plane, std::int64_t) {
    auto const pixel = static_cast<std::int64_t>(place[output]);
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

}  // namespace quartic::compute
