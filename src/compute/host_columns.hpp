#pragma once

#include <cstdint>

#include "quartic/compute/matrix.hpp"
#include "quartic/compute/window.hpp"

namespace quartic::compute {

/// The outputs that one dense product makes: some whole images where they are small, some lines of
/// one image where it is large.
struct Tile {
  std::int64_t first_image = 0;
  std::int64_t images = 1;
  std::int64_t first_line = 0;
  std::int64_t lines = 0;
};

/// columns [window.reach(), columns of the tile] = the input elements that each output of the tile
/// reads, 0 outside of the image.
template <class T>
void gather_columns(Window const& window, Tile const& tile, T const* x, Matrix<T> columns);

/// Adds every column to the input elements that it came from.
template <class T>
void scatter_columns(Window const& window, Tile const& tile, ConstMatrix<T> columns, T* dx);

}  // namespace quartic::compute
