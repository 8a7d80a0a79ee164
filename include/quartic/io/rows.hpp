#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/core/dataset.hpp"

/// What readers of arrays share: rows of features in two dimensions, or of images in four, and as
/// many targets. `where` names an array for errors: "a.h5: /X".
namespace quartic::io {

/// The rows of an array: [rows, features] or [rows, channels, height, width]; without a checksum.
DataShape shape_of_rows(std::string const& where, std::vector<std::int64_t> const& dimensions);

/// UsageError if there are not as many targets as `rows`; they lie in an array [rows], [rows, 1] or
/// [1, rows].
void check_target_shape(std::string const& where, std::vector<std::int64_t> const& dimensions,
                        std::int64_t rows);

/// UsageError for a value that is not finite in this precision. `first` is the column in the file
/// of the first of `columns`.
template <class T>
void check_finite(std::string const& where, std::vector<T> const& values, std::int64_t columns,
                  std::int64_t first) {
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (std::isfinite(values[at])) continue;
    auto const place = static_cast<std::int64_t>(at);
    usage_error("{} row {}, column {}, counted from 0, is {} as {}; must be a finite number", where,
                place / columns, first + place % columns, values[at],
                sizeof(T) == sizeof(float) ? "float" : "double");
  }
}

/// The columns of rows whose row-major number `index` is number(index), in precision T. UsageError,
/// which names `path`, for a number that T cannot hold.
template <class T, class Number>
DenseFeatures<T> dense_columns(std::string const& path, DataShape const& shape, Part columns,
                               Number number) {
  DenseFeatures<T> features{shape.rows, columns.size, {}};
  features.values.reserve(static_cast<std::size_t>(shape.rows * columns.size));
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    std::int64_t const begin = row * shape.features + columns.first;
    for (std::int64_t i = begin; i < begin + columns.size; ++i)
      features.values.push_back(static_cast<T>(number(i)));
  }
  check_finite(path + ":", features.values, columns.size, columns.first);
  return features;
}

}  // namespace quartic::io
