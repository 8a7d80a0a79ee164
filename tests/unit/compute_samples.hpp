#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/core/random.hpp"

namespace quartic::samples {

/// Standard normal numbers, other ones at every call.
template <class T>
std::vector<T> normals(std::int64_t count) {
  static std::uint32_t calls = 0;
  std::vector<T> values(static_cast<std::size_t>(count));
  Stream(20240607, StreamName::data, ++calls).normals(values);
  return values;
}

/// What a result holds before it is written: NaN, so that reading it shows.
template <class T>
std::vector<T> poison(std::int64_t count) {
  return std::vector<T>(static_cast<std::size_t>(count), std::numeric_limits<T>::quiet_NaN());
}

/// About one entry in four of [rows, columns]; some rows are empty.
template <class T>
SparseFeatures<T> sparse(std::int64_t rows, std::int64_t columns) {
  SparseFeatures<T> x{rows, columns, {0}, {}, {}};
  auto const draws = normals<T>(2 * rows * columns);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      auto const draw = static_cast<std::size_t>(2 * (row * columns + column));
      if (row % 5 == 3 || draws[draw] < T(0.7)) continue;
      x.column.push_back(static_cast<std::int32_t>(column));
      x.values.push_back(draws[draw + 1]);
    }
    x.row_begin.push_back(std::ssize(x.values));
  }
  return x;
}

template <class T>
DenseFeatures<T> dense(SparseFeatures<T> const& x) {
  DenseFeatures<T> full{x.rows, x.columns,
                        std::vector<T>(static_cast<std::size_t>(x.rows * x.columns), T(0))};
  for (std::size_t row = 0; row < static_cast<std::size_t>(x.rows); ++row) {
    for (auto entry = x.row_begin[row]; entry < x.row_begin[row + 1]; ++entry) {
      auto const place =
          static_cast<std::int64_t>(row) * x.columns + x.column[static_cast<std::size_t>(entry)];
      full.values[static_cast<std::size_t>(place)] = x.values[static_cast<std::size_t>(entry)];
    }
  }
  return full;
}

/// Largest difference, relative to the largest number of `right`; infinity where one is NaN.
template <class T>
double distance(std::span<T const> left, std::span<T const> right) {
  double largest = 0;
  double scale = 1;
  if (left.size() != right.size()) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < left.size(); ++i) {
    double const difference = std::abs(double{left[i]} - double{right[i]});
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
    scale = std::max(scale, std::abs(double{right[i]}));
  }
  return largest / scale;
}

template <class T>
double distance(std::vector<T> const& left, std::vector<T> const& right) {
  return distance(std::span<T const>(left), std::span<T const>(right));
}

/// What rounding may do to a sum of some hundred terms.
template <class T>
inline constexpr double rounding = std::is_same_v<T, float> ? 3e-5 : 1e-13;

}  // namespace quartic::samples
