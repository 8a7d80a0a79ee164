// Convolutions on the device: dense products with the columns of as many whole images as the
// scratch has room for.
#include <algorithm>

#include "host.hpp"
#include "offload_channels.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

// Enough columns to keep a device busy; an image that has more is done by itself.
constexpr std::int64_t wanted_columns = 32768;

std::int64_t images_of_part(Window const& window, std::int64_t images) {
  return std::clamp<std::int64_t>(wanted_columns / window.output_pixels(), 1, images);
}

// Some consecutive images: their columns [reach, images x output pixels], and their outputs as
// [outputs, the same columns], both in the scratch.
template <class T>
struct Part {
  Convolution shape;
  std::int64_t first_image;
  std::int64_t images;
  T* scratch;

  std::int64_t width() const { return images * shape.window.output_pixels(); }
  Matrix<T> columns() const { return {scratch, shape.window.reach(), width()}; }
  Matrix<T> outputs() const {
    return {scratch + shape.window.reach() * width(), shape.outputs, width()};
  }
};

template <class T>
ConstMatrix<T> read(Matrix<T> const& m) {
  return {m.values, m.rows, m.columns, m.stride};
}

template <class T, class Visit>
void for_parts(Convolution const& shape, std::int64_t images, std::span<T> scratch, Visit visit) {
  QUARTIC_ASSERT(std::ssize(scratch) >= scratch_size(shape, images));
  std::int64_t const most = images_of_part(shape.window, images);
  for (std::int64_t image = 0; image < images; image += most)
    visit(Part<T>{shape, image, std::min(most, images - image), scratch.data()});
}

// The columns of a part = what each of its outputs reads, 0 outside of the image.
template <class T>
void gather_columns(Part<T> const& part, T const* x) {
  Window const w = part.shape.window;
  Matrix<T> const columns = part.columns();
  T const* const first = x + part.first_image * w.input_size();
  for_each(columns.rows * columns.columns, [=](std::int64_t i) {
    std::int64_t const tap = i / columns.columns;
    std::int64_t const column = i % columns.columns;
    std::int64_t const output = column % w.output_pixels();
    std::int64_t const row =
        output / w.output_width() * w.stride - w.padding + tap / w.kernel_width % w.kernel_height;
    std::int64_t const at = output % w.output_width() * w.stride - w.padding + tap % w.kernel_width;
    std::int64_t const plane =
        column / w.output_pixels() * w.channels + tap / (w.kernel_height * w.kernel_width);
    bool const inside = row >= 0 && row < w.height && at >= 0 && at < w.width;
    columns.values[i] = inside ? first[(plane * w.height + row) * w.width + at] : T(0);
  });
}

// The images of a part = for each input the sum of its columns' elements, taps ascending.
template <class T>
void sum_columns(Part<T> const& part, T* dx) {
  Window const w = part.shape.window;
  Matrix<T> const columns = part.columns();
  T* const first = dx + part.first_image * w.input_size();
  for_each(part.images * w.input_size(), [=](std::int64_t i) {
    std::int64_t const image = i / w.input_size();
    std::int64_t const channel = i / w.input_pixels() % w.channels;
    T sum = 0;
    for (std::int64_t a = 0; a < w.kernel_height; ++a) {
      std::int64_t const down = i / w.width % w.height + w.padding - a;
      if (down < 0 || down % w.stride != 0 || down / w.stride >= w.output_height()) continue;
      for (std::int64_t b = 0; b < w.kernel_width; ++b) {
        std::int64_t const along = i % w.width + w.padding - b;
        if (along < 0 || along % w.stride != 0 || along / w.stride >= w.output_width()) continue;
        std::int64_t const tap = (channel * w.kernel_height + a) * w.kernel_width + b;
        sum += columns.values[tap * columns.columns + image * w.output_pixels() +
                              down / w.stride * w.output_width() + along / w.stride];
      }
    }
    first[i] = sum;
  });
}

// Where element (output, column) of a part's outputs lies in y.
template <class T>
std::int64_t place_in_images(Part<T> const& part, std::int64_t i) {
  std::int64_t const pixels = part.shape.window.output_pixels();
  std::int64_t const image = part.first_image + i % part.width() / pixels;
  return (image * part.shape.outputs + i / part.width()) * pixels + i % pixels;
}

template <class T>
void scatter_outputs(Part<T> const& part, T* y) {
  for_each(part.shape.outputs * part.width(),
           [=](std::int64_t i) { y[place_in_images(part, i)] = part.outputs().values[i]; });
}

template <class T>
void gather_outputs(Part<T> const& part, T const* dy) {
  for_each(part.shape.outputs * part.width(),
           [=](std::int64_t i) { part.outputs().values[i] = dy[place_in_images(part, i)]; });
}

}  // namespace

std::int64_t scratch_size(Convolution const& shape, std::int64_t images) {
  if (!on_device()) return host::scratch_size(shape, images);
  std::int64_t const columns = images_of_part(shape.window, images) * shape.window.output_pixels();
  return (shape.window.reach() + shape.outputs) * columns;
}

template <class T>
void convolution_forward(Convolution const& shape, std::int64_t images, std::span<T const> w,
                         std::span<T const> x, std::span<T> y, std::span<T> scratch) {
  if (!on_device()) return host::convolution_forward(shape, images, w, x, y, scratch);
  Kernel const kernel(w, x, y, scratch);
  ConstMatrix<T> const weights(w.data(), shape.outputs, shape.window.reach());
  for_parts(shape, images, scratch, [&](Part<T> const& part) {
    gather_columns(part, x.data());
    gemm<T>(1, weights, read(part.columns()), 0, part.outputs());
    scatter_outputs(part, y.data());
  });
}

template <class T>
void convolution_input_gradient(Convolution const& shape, std::int64_t images, std::span<T const> w,
                                std::span<T const> dy, std::span<T> dx, std::span<T> scratch) {
  if (!on_device()) return host::convolution_input_gradient(shape, images, w, dy, dx, scratch);
  Kernel const kernel(w, dy, dx, scratch);
  ConstMatrix<T> const weights(w.data(), shape.outputs, shape.window.reach());
  for_parts(shape, images, scratch, [&](Part<T> const& part) {
    gather_outputs(part, dy.data());
    gemm<T>(1, transposed(weights), read(part.outputs()), 0, part.columns());
    sum_columns(part, dx.data());
  });
}

template <class T>
void convolution_weight_gradient(Convolution const& shape, std::int64_t images,
                                 std::span<T const> x, std::span<T const> dy, std::span<T> dw,
                                 std::span<T> scratch) {
  if (!on_device()) return host::convolution_weight_gradient(shape, images, x, dy, dw, scratch);
  Kernel const kernel(x, dy, dw, scratch);
  Matrix<T> const sum(dw.data(), shape.outputs, shape.window.reach());
  for_parts(shape, images, scratch, [&](Part<T> const& part) {
    gather_outputs(part, dy.data());
    gather_columns(part, x.data());
    gemm<T>(1, read(part.outputs()), transposed(read(part.columns())), 1, sum);
  });
}

template <class T>
void add_channel_bias(std::span<T const> bias, std::int64_t pixels, std::span<T> y) {
  if (!on_device()) return host::add_channel_bias(bias, pixels, y);
  Kernel const kernel(bias, y);
  for_each(std::ssize(y), [=, bias = bias.data(), channels = std::ssize(bias),
                           y = y.data()](std::int64_t i) { y[i] += bias[i / pixels % channels]; });
}

template <class T>
void add_channel_sums(std::int64_t pixels, std::span<T const> x, std::span<T> sum) {
  if (!on_device()) return host::add_channel_sums(pixels, x, sum);
  Kernel const kernel(x, sum);
  auto const channels = std::ssize(sum);
  for_channels(
      Batches{std::ssize(x) / (channels * pixels), channels, pixels},
      [x = x.data()](std::int64_t, std::int64_t i) { return double{x[i]}; },
      [sum = sum.data()](std::int64_t channel, double of_channel) {
        sum[channel] += static_cast<T>(of_channel);
      });
}

#define QUARTIC_INSTANTIATE(T)                                                                    \
  template void convolution_forward(Convolution const&, std::int64_t, std::span<T const>,         \
                                    std::span<T const>, std::span<T>, std::span<T>);              \
  template void convolution_input_gradient(Convolution const&, std::int64_t, std::span<T const>,  \
                                           std::span<T const>, std::span<T>, std::span<T>);       \
  template void convolution_weight_gradient(Convolution const&, std::int64_t, std::span<T const>, \
                                            std::span<T const>, std::span<T>, std::span<T>);      \
  template void add_channel_bias(std::span<T const>, std::int64_t, std::span<T>);                 \
  template void add_channel_sums(std::int64_t, std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
