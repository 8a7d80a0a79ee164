#pragma once

#include <cstdint>

namespace quartic::compute {

/// A view of a row-major matrix: element (row, column) lies at values[row * stride + column].
template <class T>
struct Matrix {
  Matrix(T* first, std::int64_t row_count, std::int64_t column_count)
      : Matrix(first, row_count, column_count, column_count) {}
  Matrix(T* first, std::int64_t row_count, std::int64_t column_count, std::int64_t row_stride)
      : values(first), rows(row_count), columns(column_count), stride(row_stride) {}

  T* values = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  ///< elements from one row to the next, at least `columns`
};

/// A matrix that is read, perhaps as its transpose. `rows`, `columns` are those of the matrix in
/// memory; the product sees columns x rows where `is_transposed`.
template <class T>
struct ConstMatrix {
  ConstMatrix(T const* first, std::int64_t row_count, std::int64_t column_count)
      : ConstMatrix(first, row_count, column_count, column_count) {}
  ConstMatrix(T const* first, std::int64_t row_count, std::int64_t column_count,
              std::int64_t row_stride)
      : values(first), rows(row_count), columns(column_count), stride(row_stride) {}

  std::int64_t product_rows() const { return is_transposed ? columns : rows; }
  std::int64_t product_columns() const { return is_transposed ? rows : columns; }

  T const* values = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  ///< elements from one row to the next, at least `columns`
  bool is_transposed = false;
};

/// The same memory, read as the transpose.
template <class T>
ConstMatrix<T> transposed(ConstMatrix<T> matrix) {
  matrix.is_transposed = !matrix.is_transposed;
  return matrix;
}

}  // namespace quartic::compute
