#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/core/dataset.hpp"

namespace quartic::nn {

/// The columns X of the data that one stage of a linear objective reads, dense or sparse, and the
/// four products that it needs. Rows are counted by the argument that has one entry a row. T is
/// float or double.
template <class T>
class FeatureMatrix {
 public:
  explicit FeatureMatrix(Features<T> features);

  std::int64_t columns() const { return quartic::columns(features_); }

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
  std::span<T> side_by_side(std::int64_t versions);

  Features<T> features_;
  std::vector<T> side_by_side_;  // sparse: [columns, versions]
};

}  // namespace quartic::nn
