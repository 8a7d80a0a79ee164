// Pooling and padding on the device: a thread an output going forward, a thread an input going
// back, which looks at the windows that reach it in their order.
#include <cmath>
#include <limits>

#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

struct Pixel {
  std::int64_t plane, row, column;
};

Pixel pixel(std::int64_t i, std::int64_t height, std::int64_t width) {
  return {i / (height * width), i / width % height, i % width};
}

// Calls visit(output, tap) for every window over an input that reads this one.
template <class Visit>
void for_windows(Window const& window, Pixel const& at, Visit const& visit) {
  std::int64_t const height = window.output_height();
  std::int64_t const width = window.output_width();
  std::int64_t const below = at.row - window.kernel_height + window.stride;
  std::int64_t const right = at.column - window.kernel_width + window.stride;
  for (std::int64_t r = below < 0 ? 0 : below / window.stride;
       r < height && r * window.stride <= at.row; ++r) {
    for (std::int64_t c = right < 0 ? 0 : right / window.stride;
         c < width && c * window.stride <= at.column; ++c) {
      std::int64_t const tap =
          (at.row - r * window.stride) * window.kernel_width + at.column - c * window.stride;
      visit((at.plane * height + r) * width + c, tap);
    }
  }
}

// Where the window of an output begins in x.
std::int64_t first_of_window(Window const& window, std::int64_t output) {
  Pixel const at = pixel(output, window.output_height(), window.output_width());
  return at.plane * window.input_pixels() + (at.row * window.width + at.column) * window.stride;
}

}  // namespace

template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place) {
  if (!on_device()) return host::max_pool_forward(window, images, x, y, place);
  Kernel const kernel(x, y, place);
  for_each(std::ssize(y),
           [w = window, x = x.data(), y = y.data(), place = place.data()](std::int64_t i) {
             T const* const first = x + first_of_window(w, i);
             T largest = -std::numeric_limits<T>::infinity();
             std::int64_t chosen = 0;
             for (std::int64_t tap = 0; tap < w.kernel_height * w.kernel_width; ++tap) {
               T const value = first[tap / w.kernel_width * w.width + tap % w.kernel_width];
               bool const takes = value > largest || std::isnan(value);
               largest = takes ? value : largest;
               chosen = takes ? tap : chosen;
             }
             y[i] = largest;
             place[i] = static_cast<T>(chosen);
           });
}

template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx) {
  if (!on_device()) return host::max_pool_backward(window, images, place, dy, dx);
  Kernel const kernel(place, dy, dx);
  for_each(std::ssize(dx), [w = window, place = place.data(), dy = dy.data(),
                            dx = dx.data()](std::int64_t i) {
    T sum = 0;
    for_windows(w, pixel(i, w.height, w.width), [&](std::int64_t output, std::int64_t tap) {
      if (place[output] == static_cast<T>(tap)) sum += dy[output];
    });
    dx[i] = sum;
  });
}

template <class T>
void average_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                          std::span<T> y) {
  if (!on_device()) return host::average_pool_forward(window, images, x, y);
  Kernel const kernel(x, y);
  T const share = T(1) / static_cast<T>(window.kernel_height * window.kernel_width);
  for_each(std::ssize(y), [=, w = window, x = x.data(), y = y.data()](std::int64_t i) {
    T const* const first = x + first_of_window(w, i);
    T sum = 0;
    for (std::int64_t a = 0; a < w.kernel_height; ++a) {
      for (std::int64_t b = 0; b < w.kernel_width; ++b) sum += first[a * w.width + b];
    }
    y[i] = share * sum;
  });
}

template <class T>
void average_pool_backward(Window const& window, std::int64_t images, std::span<T const> dy,
                           std::span<T> dx) {
  if (!on_device()) return host::average_pool_backward(window, images, dy, dx);
  Kernel const kernel(dy, dx);
  T const share = T(1) / static_cast<T>(window.kernel_height * window.kernel_width);
  for_each(std::ssize(dx), [=, w = window, dy = dy.data(), dx = dx.data()](std::int64_t i) {
    T sum = 0;
    for_windows(w, pixel(i, w.height, w.width),
                [&](std::int64_t output, std::int64_t) { sum += share * dy[output]; });
    dx[i] = sum;
  });
}

template <class T>
void pad_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::pad_planes(height, width, y_height, y_width, x, y);
  Kernel const kernel(x, y);
  std::int64_t const top = (y_height - height) / 2;
  std::int64_t const left = (y_width - width) / 2;
  for_each(std::ssize(y), [=, x = x.data(), y = y.data()](std::int64_t i) {
    auto const [plane, y_row, y_column] = pixel(i, y_height, y_width);
    std::int64_t const row = y_row - top;
    std::int64_t const column = y_column - left;
    bool const inside = row >= 0 && row < height && column >= 0 && column < width;
    y[i] = inside ? x[(plane * height + row) * width + column] : T(0);
  });
}

template <class T>
void crop_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                 std::int64_t y_width, std::span<T const> dy, std::span<T> dx) {
  if (!on_device()) return host::crop_planes(height, width, y_height, y_width, dy, dx);
  Kernel const kernel(dy, dx);
  std::int64_t const top = (y_height - height) / 2;
  std::int64_t const left = (y_width - width) / 2;
  for_each(std::ssize(dx), [=, dy = dy.data(), dx = dx.data()](std::int64_t i) {
    auto const [plane, row, column] = pixel(i, height, width);
    dx[i] = dy[(plane * y_height + top + row) * y_width + left + column];
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
