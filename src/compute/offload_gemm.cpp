// Dense products on the device: cuBLAS where there is one, else our own loops.
#include <algorithm>
#include <array>
#include <cmath>

#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

// A factor as the product sees it: element (row, column) lies at values[row * down + column *
// along].
template <class T>
struct Factor {
  explicit Factor(ConstMatrix<T> const& matrix)
      : values(matrix.values),
        down(matrix.is_transposed ? 1 : matrix.stride),
        along(matrix.is_transposed ? matrix.stride : 1) {}

  T const* values;
  std::int64_t down;
  std::int64_t along;
};

// y = alpha sum + beta y, where an old y that counts for nothing may be NaN.
template <class T>
void accumulate(T alpha, T sum, T beta, T& y) {
  y = beta == 0 ? alpha * sum : alpha * sum + beta * y;
}

constexpr std::int64_t warp = 32;

// What one thread makes: 8 rows x 4 columns in its registers, 12 numbers read for 32 multiply-adds.
// Its columns are a warp's width apart, so that a warp reads a row of b in whole lines. Over the
// edge it reads the last row or column again, and keeps what it makes of that to itself. Every loop
// is unrolled: an array with an index that is not known would lie in memory.
template <class T>
struct Tile {
  static constexpr std::int64_t rows = 8;
  static constexpr std::int64_t columns = 4;

  static std::int64_t row(std::int64_t first, std::size_t r) {
    return first + static_cast<std::int64_t>(r);
  }
  static std::int64_t column(std::int64_t first, std::size_t j) {
    return first + static_cast<std::int64_t>(j) * warp;
  }

  Tile(Factor<T> const& a, Factor<T> const& b, Matrix<T> const& c, std::int64_t first_row,
       std::int64_t first_column) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) {
      left[r] = a.values + std::min(row(first_row, r), c.rows - 1) * a.down;
#pragma GCC unroll 4
      for (std::size_t j = 0; j < columns; ++j) sum[r][j] = 0;
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < columns; ++j)
      right[j] = b.values + std::min(column(first_column, j), c.columns - 1) * b.along;
  }

  // Adds a column of a times a row of b, which lie that far behind the tile's first.
  void add(std::int64_t at_left, std::int64_t at_right) {
    std::array<T, columns> line;
#pragma GCC unroll 4
    for (std::size_t j = 0; j < columns; ++j) line[j] = right[j][at_right];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) {
      T const factor = left[r][at_left];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < columns; ++j) sum[r][j] = std::fma(factor, line[j], sum[r][j]);
    }
  }

  void store(T alpha, T beta, Matrix<T> const& c, std::int64_t first_row,
             std::int64_t first_column) const {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (std::size_t j = 0; j < columns; ++j) {
        if (row(first_row, r) >= c.rows || column(first_column, j) >= c.columns) continue;
        T& y = c.values[row(first_row, r) * c.stride + column(first_column, j)];
        accumulate(alpha, sum[r][j], beta, y);
      }
    }
  }

  std::array<T const*, rows> left;
  std::array<T const*, columns> right;
  std::array<std::array<T, columns>, rows> sum;
};

// One thread's work, and a function of its own: g++ 12 fails on a tile that it inlines into a loop
// over the lanes of a warp.
template <class T>
[[gnu::noinline]] void make_tile(T alpha, Factor<T> const& a, Factor<T> const& b,
                                 std::int64_t depth, T beta, Matrix<T> const& c,
                                 std::int64_t first_row, std::int64_t first_column) {
  Tile<T> tile(a, b, c, first_row, first_column);
  for (std::int64_t k = 0; k < depth; ++k) tile.add(k * a.along, k * b.down);
  tile.store(alpha, beta, c, first_row, first_column);
}

template <class T>
void tiled_gemm(T alpha, ConstMatrix<T> const& left, ConstMatrix<T> const& right, T beta,
                Matrix<T> c) {
  Factor<T> const a(left);
  Factor<T> const b(right);
  std::int64_t const depth = left.product_columns();
  constexpr std::int64_t columns_of_warp = Tile<T>::columns * warp;
  std::int64_t const across = (c.columns + columns_of_warp - 1) / columns_of_warp * warp;
  std::int64_t const down = (c.rows + Tile<T>::rows - 1) / Tile<T>::rows;
  for_each(down * across, [=](std::int64_t i) {
    std::int64_t const first_row = i / across * Tile<T>::rows;
    std::int64_t const first_column = i % across / warp * columns_of_warp + i % warp;
    make_tile(alpha, a, b, depth, beta, c, first_row, first_column);
  });
}

}  // namespace

template <class T>
void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c) {
  if (!on_device()) return host::gemm(alpha, a, b, beta, c);
  QUARTIC_ASSERT(a.product_rows() == c.rows && b.product_columns() == c.columns);
  QUARTIC_ASSERT(a.product_columns() == b.product_rows());
  Kernel const kernel(a, b, c);
  if (c.rows == 0 || c.columns == 0) return;
  if (cublas() != nullptr && a.product_columns() > 0)
    cublas()->gemm(alpha, a, b, beta, c);
  else
    tiled_gemm(alpha, a, b, beta, c);
}

// A warp an element where rows lie in a piece, else a thread an element: either way neighbours read
// neighbours.
template <class T>
void gemv(T alpha, ConstMatrix<T> a, std::span<T const> x, T beta, std::span<T> y) {
  if (!on_device()) return host::gemv(alpha, a, x, beta, y);
  QUARTIC_ASSERT(a.product_columns() == std::ssize(x) && a.product_rows() == std::ssize(y));
  Kernel const kernel(a, x, y);
  std::int64_t const depth = std::ssize(x);
  if (a.is_transposed) {
    for_each(std::ssize(y), [=, x = x.data(), y = y.data()](std::int64_t column) {
      T sum = 0;
      for (std::int64_t k = 0; k < depth; ++k) sum += a.values[k * a.stride + column] * x[k];
      accumulate(alpha, sum, beta, y[column]);
    });
  } else {
    for_each_row(std::ssize(y), [=, x = x.data(), y = y.data()](std::int64_t row) {
      T const* const line = a.values + row * a.stride;
      T const sum = row_sum<T>(depth, [=](std::int64_t k) { return line[k] * x[k]; });
      accumulate(alpha, sum, beta, y[row]);
    });
  }
}

template void gemm(float, ConstMatrix<float>, ConstMatrix<float>, float, Matrix<float>);
template void gemm(double, ConstMatrix<double>, ConstMatrix<double>, double, Matrix<double>);
template void gemv(float, ConstMatrix<float>, std::span<float const>, float, std::span<float>);
template void gemv(double, ConstMatrix<double>, std::span<double const>, double, std::span<double>);

}  // namespace quartic::compute
