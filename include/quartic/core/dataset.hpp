#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "quartic/core/partition.hpp"

namespace quartic {

/// Rows that are images: channel after channel, each of them row after row. Zeros: no images.
struct ImageShape {
  std::int64_t channels = 0, height = 0, width = 0;
};

/// What a data file holds, known before it is loaded.
struct DataShape {
  std::int64_t rows = 0;
  std::int64_t features = 0;
  std::string
      checksum;  ///< of the bytes read, "crc32:89abcdef"; a generator's recipe for generated data
  ImageShape image{};
  bool sparse = false;
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

/// The rows of `more` after those of `data`, of as many columns and of the same kind, dense or
/// sparse.
template <class T>
void append_rows(Dataset<T>& data, Dataset<T> const& more);

/// The columns [part.first, part.first + part.size) as a block of their own.
template <class T>
Features<T> slice_columns(Features<T> const& features, Part part);

}  // namespace quartic
