// Convolutions on the host: dense products with the columns of a tile of outputs. A tile has enough
// columns for a product to be fast and few enough for them to stay in the cache.
#include <algorithm>

#include "host_columns.hpp"
#include "host_lanes.hpp"
#include "quartic/compute/convolution.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

constexpr std::int64_t wanted_columns = 256;

bool is_pointwise(Window const& window) {
  return window.kernel_height == 1 && window.kernel_width == 1 && window.stride == 1 &&
         window.padding == 0;
}

std::int64_t images_of_tile(Window const& window, std::int64_t images) {
  return std::clamp<std::int64_t>(wanted_columns / window.output_pixels(), 1, images);
}

std::int64_t lines_of_tile(Window const& window) {
  return std::clamp<std::int64_t>(wanted_columns / window.output_width(), 1,
                                  window.output_height());
}

std::int64_t columns_of(Window const& window, Tile const& tile) {
  return tile.images * tile.lines * window.output_width();
}

template <class Visit>
void for_tiles(Window const& window, std::int64_t images, Visit visit) {
  std::int64_t const most_images = images_of_tile(window, images);
  std::int64_t const most_lines = lines_of_tile(window);
  std::int64_t const height = window.output_height();
  for (std::int64_t image = 0; image < images; image += most_images) {
    std::int64_t const count = std::min(most_images, images - image);
    for (std::int64_t line = 0; line < height; line += most_lines) {
      visit(Tile{image, count, line, std::min(most_lines, height - line)});
    }
  }
}

// A tile of y as a matrix [outputs, columns]. In one image it is one as it lies; several images are
// brought together in the scratch.
template <class T>
class TileOfOutputs {
 public:
  TileOfOutputs(Convolution const& shape, Tile const& tile, T* scratch)
      : shape_(shape), tile_(tile), columns_(columns_of(shape.window, tile)), scratch_(scratch) {}

  bool is_in_place() const { return tile_.images == 1; }
  Matrix<T> target(T* y) const {
    if (!is_in_place()) return {scratch_, shape_.outputs, columns_};
    return {y + begin(0, 0), shape_.outputs, columns_, shape_.window.output_pixels()};
  }
  ConstMatrix<T> source(T const* dy) const {
    if (is_in_place()) {
      return {dy + begin(0, 0), shape_.outputs, columns_, shape_.window.output_pixels()};
    }
    for_runs([&](std::int64_t in_images, std::int64_t in_scratch, std::int64_t length) {
      std::copy_n(dy + in_images, length, scratch_ + in_scratch);
    });
    return {scratch_, shape_.outputs, columns_};
  }
  // What target() asked to be written, to its place.
  void store(T* y) const {
    if (is_in_place()) return;
    for_runs([&](std::int64_t in_images, std::int64_t in_scratch, std::int64_t length) {
      std::copy_n(scratch_ + in_scratch, length, y + in_images);
    });
  }

 private:
  std::int64_t begin(std::int64_t image, std::int64_t output) const {
    std::int64_t const plane = (tile_.first_image + image) * shape_.outputs + output;
    return plane * shape_.window.output_pixels() + tile_.first_line * shape_.window.output_width();
  }
  template <class Visit>
  void for_runs(Visit visit) const {
    std::int64_t const length = columns_ / tile_.images;
    for (std::int64_t image = 0; image < tile_.images; ++image) {
      for (std::int64_t output = 0; output < shape_.outputs; ++output) {
        visit(begin(image, output), output * columns_ + image * length, length);
      }
    }
  }

  Convolution const& shape_;
  Tile const& tile_;
  std::int64_t columns_;
  T* scratch_;
};

// A pointwise convolution of one image has its columns where they lie, at this element of x.
bool columns_are_in_place(Window const& window, Tile const& tile) {
  return is_pointwise(window) && tile.images == 1;
}

std::int64_t columns_begin(Window const& window, Tile const& tile) {
  return tile.first_image * window.input_size() + tile.first_line * window.width;
}

template <class T>
ConstMatrix<T> columns_of_inputs(Window const& window, Tile const& tile, T const* x, T* scratch) {
  std::int64_t const columns = columns_of(window, tile);
  if (columns_are_in_place(window, tile)) {
    return {x + columns_begin(window, tile), window.channels, columns, window.input_pixels()};
  }
  gather_columns<T>(window, tile, x, {scratch, window.reach(), columns});
  return {scratch, window.reach(), columns};
}

template <class T>
void check(Convolution const& shape, std::int64_t images, std::span<T const> w,
           std::span<T const> x, std::span<T const> y, std::span<T> scratch) {
  QUARTIC_ASSERT(std::ssize(w) == shape.outputs * shape.window.reach());
  QUARTIC_ASSERT(std::ssize(x) == images * shape.window.input_size());
  QUARTIC_ASSERT(std::ssize(y) == images * shape.outputs * shape.window.output_pixels());
  QUARTIC_ASSERT(std::ssize(scratch) >= scratch_size(shape, images));
}

std::int64_t most_columns(Window const& window, std::int64_t images) {
  return columns_of(window, {0, images_of_tile(window, images), 0, lines_of_tile(window)});
}

}  // namespace

std::int64_t scratch_size(Convolution const& shape, std::int64_t images) {
  return (shape.window.reach() + shape.outputs) * most_columns(shape.window, images);
}

template <class T>
void convolution_forward(Convolution const& shape, std::int64_t images, std::span<T const> w,
                         std::span<T const> x, std::span<T> y, std::span<T> scratch) {
  check<T>(shape, images, w, x, y, scratch);
  std::int64_t const reach = shape.window.reach();
  T* const outputs = scratch.data() + reach * most_columns(shape.window, images);
  for_tiles(shape.window, images, [&](Tile const& tile) {
    TileOfOutputs<T> const part(shape, tile, outputs);
    auto const columns = columns_of_inputs(shape.window, tile, x.data(), scratch.data());
    gemm<T>(1, {w.data(), shape.outputs, reach}, columns, 0, part.target(y.data()));
    part.store(y.data());
  });
}

template <class T>
void convolution_input_gradient(Convolution const& shape, std::int64_t images, std::span<T const> w,
                                std::span<T const> dy, std::span<T> dx, std::span<T> scratch) {
  check<T>(shape, images, w, dx, dy, scratch);
  std::int64_t const reach = shape.window.reach();
  T* const outputs = scratch.data() + reach * most_columns(shape.window, images);
  auto const transposed_w = transposed(ConstMatrix<T>(w.data(), shape.outputs, reach));
  std::fill(dx.begin(), dx.end(), T(0));
  for_tiles(shape.window, images, [&](Tile const& tile) {
    auto const slopes = TileOfOutputs<T>(shape, tile, outputs).source(dy.data());
    if (columns_are_in_place(shape.window, tile)) {
      T* const first = dx.data() + columns_begin(shape.window, tile);
      return gemm<T>(1, transposed_w, slopes, 0,
                     {first, reach, slopes.columns, shape.window.input_pixels()});
    }
    gemm<T>(1, transposed_w, slopes, 0, {scratch.data(), reach, slopes.columns});
    scatter_columns<T>(shape.window, tile, {scratch.data(), reach, slopes.columns}, dx.data());
  });
}

template <class T>
void convolution_weight_gradient(Convolution const& shape, std::int64_t images,
                                 std::span<T const> x, std::span<T const> dy, std::span<T> dw,
                                 std::span<T> scratch) {
  check<T>(shape, images, dw, x, dy, scratch);
  std::int64_t const reach = shape.window.reach();
  T* const outputs = scratch.data() + reach * most_columns(shape.window, images);
  for_tiles(shape.window, images, [&](Tile const& tile) {
    auto const slopes = TileOfOutputs<T>(shape, tile, outputs).source(dy.data());
    auto const columns = columns_of_inputs(shape.window, tile, x.data(), scratch.data());
    gemm<T>(1, slopes, transposed(columns), 1, {dw.data(), shape.outputs, reach});
  });
}

template <class T>
void add_channel_bias(std::span<T const> bias, std::int64_t pixels, std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(y) % (std::ssize(bias) * pixels) == 0);
  T* plane = y.data();
  T* const end = plane + y.size();
  while (plane < end) {
    for (T const value : bias) {
      for (std::int64_t i = 0; i < pixels; ++i) plane[i] += value;
      plane += pixels;
    }
  }
}

template <class T>
void add_channel_sums(std::int64_t pixels, std::span<T const> x, std::span<T> sum) {
  auto const channels = std::ssize(sum);
  QUARTIC_ASSERT(std::ssize(x) % (channels * pixels) == 0);
  std::int64_t const planes = std::ssize(x) / pixels;
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    double of_channel = 0;
    for (std::int64_t plane = channel; plane < planes; plane += channels) {
      T const* const first = x.data() + plane * pixels;
      of_channel += sum_in_lanes(static_cast<std::size_t>(pixels),
                                 [=](std::size_t i) { return double{first[i]}; });
    }
    sum[static_cast<std::size_t>(channel)] += static_cast<T>(of_channel);
  }
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

}  // namespace QUARTIC_HOST_KERNELS
