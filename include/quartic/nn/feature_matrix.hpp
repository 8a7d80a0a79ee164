#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/matrix.hpp"
#include "quartic/compute/sparse.hpp"
#include "quartic/core/dataset.hpp"

namespace quartic::nn {

/// The columns X of the data that one stage of a linear objective reads, dense or sparse, and the
/// four products that it needs. Rows are counted by the argument that has one entry a row. T is
/// float or double.
template <class T>
class FeatureMatrix {
 public:
  explicit FeatureMatrix(Features<T> const& features);

  std::int64_t columns() const { return columns_; }

  /// z += X[first_row…] w, with w [columns], z [rows].
  void multiply_add(std::int64_t first_row, std::span<T const> w, std::span<T> z) const;
  /// g += X[first_row…]ᵀ r, with r [rows], g [columns].
  void transposed_add(std::int64_t first_row, std::span<T const> r, std::span<T> g) const;

  /// Several versions of the weights at once: z += w Xᵀ, with w [versions, columns],
  /// z [versions, rows], from row 0 on.
  void multiply_add_all(std::int64_t versions, std::span<T const> w, std::span<T> z);
  /// g = r X, with r [versions, rows], g [versions, columns], from row 0 on.
  void gradients(std::int64_t versions, std::span<T const> r, std::span<T> g);

 private:
  // DenseFeatures and SparseFeatures where the process computes.
  struct Dense {
    explicit Dense(DenseFeatures<T> const& x);
    compute::ConstMatrix<T> rows(std::int64_t first, std::int64_t count) const;
    std::int64_t columns;
    compute::Buffer<T> values;
  };
  struct Sparse {
    explicit Sparse(SparseFeatures<T> const& x);
    compute::CompressedRows<T> rows(std::int64_t first, std::int64_t count) const;
    std::int64_t columns;
    compute::Buffer<std::int64_t> row_begin;
    compute::Buffer<std::int32_t> column;
    compute::Buffer<T> values;
  };
  std::span<T> side_by_side(std::int64_t versions) {
    return compute::at_least(side_by_side_, versions * columns_);
  }

  std::int64_t columns_;
  std::variant<Dense, Sparse> features_;
  compute::Buffer<T> side_by_side_;  // sparse: [columns, versions]
};

}  // namespace quartic::nn
