#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quartic/io/reader.hpp"

namespace quartic::io {

/// A numpy array in the bytes of its file, which must outlive it.
struct NpyArray {
  char kind = 'f';        ///< as numpy has it: b, i, u, f
  std::size_t width = 8;  ///< bytes of a number
  bool big_endian = false;
  bool column_major = false;
  std::vector<std::int64_t> shape;
  std::string_view numbers;

  bool is_integer() const { return kind == 'i' || kind == 'u'; }
  std::int64_t count() const;
  /// Number `index` in the order of a row-major array.
  double at(std::int64_t index) const;
  /// "float64 [3, 4]".
  std::string description() const;
};

/// The array of a `.npy` file. UsageError for a damaged header, numbers that are not integers,
/// floats or booleans, and a file of another length.
NpyArray parse_npy(FileBytes const& file);

}  // namespace quartic::io
