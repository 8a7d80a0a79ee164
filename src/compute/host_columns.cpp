// Between images and the columns whose products are convolutions.
#include "host_columns.hpp"

#include <algorithm>

namespace quartic::compute {
namespace {

// The part [begin, end) of a line of outputs whose inputs are in the image, and where the input of
// output 0 would be.
struct Overlap {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t shift = 0;
};

Overlap overlap(Window const& window, std::int64_t tap) {
  std::int64_t const shift = tap - window.padding;
  std::int64_t const outputs = window.output_width();
  std::int64_t const begin = shift >= 0 ? 0 : (-shift + window.stride - 1) / window.stride;
  std::int64_t const last = window.width - 1 - shift;
  std::int64_t const end = last < 0 ? 0 : std::min(outputs, last / window.stride + 1);
  return {std::min(begin, end), end, shift};
}

// Calls visit(row of the columns, its first column, the input line or -1, the overlap) for every
// line of outputs of the tile and everything that it reads; input lines count from the first image.
template <class Visit>
void for_lines(Window const& window, Tile const& tile, Visit visit) {
  std::int64_t const width = window.output_width();
  std::int64_t row = 0;
  for (std::int64_t channel = 0; channel < window.channels; ++channel) {
    for (std::int64_t a = 0; a < window.kernel_height; ++a) {
      for (std::int64_t b = 0; b < window.kernel_width; ++b, ++row) {
        Overlap const part = overlap(window, b);
        std::int64_t column = 0;
        for (std::int64_t image = 0; image < tile.images; ++image) {
          std::int64_t const plane = (tile.first_image + image) * window.channels + channel;
          for (std::int64_t line = 0; line < tile.lines; ++line, column += width) {
            std::int64_t const from = (tile.first_line + line) * window.stride + a - window.padding;
            bool const inside = from >= 0 && from < window.height;
            visit(row, column, inside ? plane * window.height + from : -1, part);
          }
        }
      }
    }
  }
}

template <class T>
void gather_line(T const* from, T* to, Overlap part, std::int64_t width, std::int64_t stride) {
  for (std::int64_t i = 0; i < part.begin; ++i) to[i] = 0;
  if (stride == 1) {
    for (std::int64_t i = part.begin; i < part.end; ++i) to[i] = from[i + part.shift];
  } else {
    for (std::int64_t i = part.begin; i < part.end; ++i) to[i] = from[i * stride + part.shift];
  }
  for (std::int64_t i = part.end; i < width; ++i) to[i] = 0;
}

template <class T>
void scatter_line(T const* from, T* to, Overlap part, std::int64_t stride) {
  if (stride == 1) {
    for (std::int64_t i = part.begin; i < part.end; ++i) to[i + part.shift] += from[i];
  } else {
    for (std::int64_t i = part.begin; i < part.end; ++i) to[i * stride + part.shift] += from[i];
  }
}

}  // namespace

template <class T>
void gather_columns(Window const& window, Tile const& tile, T const* x, Matrix<T> columns) {
  std::int64_t const width = window.output_width();
  for_lines(window, tile,
            [&](std::int64_t row, std::int64_t column, std::int64_t line, Overlap const& part) {
              T* const to = columns.values + row * columns.stride + column;
              if (line < 0) {
                std::fill_n(to, width, T(0));
              } else {
                gather_line(x + line * window.width, to, part, width, window.stride);
              }
            });
}

template <class T>
void scatter_columns(Window const& window, Tile const& tile, ConstMatrix<T> columns, T* dx) {
  for_lines(window, tile,
            [&](std::int64_t row, std::int64_t column, std::int64_t line, Overlap const& part) {
              if (line < 0) return;
              scatter_line(columns.values + row * columns.stride + column, dx + line * window.width,
                           part, window.stride);
            });
}

template void gather_columns(Window const&, Tile const&, float const*, Matrix<float>);
template void gather_columns(Window const&, Tile const&, double const*, Matrix<double>);
template void scatter_columns(Window const&, Tile const&, ConstMatrix<float>, float*);
template void scatter_columns(Window const&, Tile const&, ConstMatrix<double>, double*);

}  // namespace quartic::compute
