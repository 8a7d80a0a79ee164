#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "quartic/core/partition.hpp"

namespace quartic {

/// How a row of features is an image: channel by channel, each row by row.
struct ImageShape {
  std::int64_t channels = 0;  ///< 0: rows are no images
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// What a data file holds, known before it is loaded.
struct DataShape {
  std::int64_t rows = 0;
  std::int64_t features = 0;
  std::string
      checksum;  ///< of the bytes read, "crc32:89abcdef"; a generator's recipe for generated data
  ImageShape image = {};
};

/// Dense features, row-major [rows, columns].
template <class T>
struct DenseFeatures {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<T> values;
};

/// Sparse features, compressed rows: row r holds entries [row_begin[r], row_begin[r + 1]), columns
/// ascending and counted from 0 within the slice.
template <class T>
struct SparseFeatures {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<std::int64_t> row_begin;
  std::vector<std::int32_t> column;
  std::vector<T> values;
};

template <class T>
using Features = std::variant<DenseFeatures<T>, SparseFeatures<T>>;

/// Rows of features, each with one target: a real number, a label 0/1, or a class 0…classes-1.
template <class T>
struct Dataset {
  Features<T> features;
  std::vector<T> targets;
};

template <class T>
std::int64_t rows(Features<T> const& features) {
  return std::visit([](auto const& f) { return f.rows; }, features);
}

template <class T>
std::int64_t columns(Features<T> const& features) {
  return std::visit([](auto const& f) { return f.columns; }, features);
}

/// The columns [part.first, part.first + part.size) as a block of their own.
template <class T>
Features<T> slice_columns(Features<T> const& features, Part part);

}  // namespace quartic
