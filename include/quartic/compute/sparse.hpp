#pragma once

#include <cstdint>
#include <span>

/// Products with a sparse matrix in compressed rows, each added to what is there. T is float or
/// double. Entries are taken in the order of the rows, so the result is the same at every call.
namespace quartic::compute {

/// A view of some consecutive rows: row r holds the entries [row_begin[r], row_begin[r + 1]) of
/// `column` and `values`; the offsets count from the start of those two, whatever the first row.
template <class T>
struct CompressedRows {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t const* row_begin;
  std::int32_t const* column;
  T const* values;
};

/// y += a x, with x [columns], y [rows].
template <class T>
void spmv_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y);

/// y += aᵀ x, with x [rows], y [columns].
template <class T>
void spmv_transposed_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y);

/// Several vectors at once: y(v, r) += Σ_c a(r, c) x(c, v), with x [columns, vectors] and
/// y [vectors, rows]. The vectors lie side by side in x so that an entry of `a` meets all of them
/// in consecutive memory.
template <class T>
void spmm_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x, std::span<T> y);

/// Several vectors at once: y(c, v) += Σ_r a(r, c) x(v, r), with x [vectors, rows] and
/// y [columns, vectors].
template <class T>
void spmm_transposed_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x,
                         std::span<T> y);

}  // namespace quartic::compute
