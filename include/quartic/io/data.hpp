#pragma once

#include <cstdint>
#include <string>

#include "quartic/core/dataset.hpp"
#include "quartic/core/partition.hpp"

namespace quartic::io {

/// Sizes of data that is generated rather than read.
struct GeneratedSize {
  std::int64_t rows = 4096;
  std::int64_t features = 0;  ///< 0: the generator's default
  std::int64_t classes = 10;
};

/// What the targets of a data set mean; readers check them.
enum class Targets {
  real,    ///< any finite number
  binary,  ///< 0/1 or -1/+1 in the file, 0/1 in memory
  classes  ///< integers 0…classes-1
};

/// `--data`: HDF5 with `/X` [rows, features] and `/y` [rows]; LIBSVM text; IDX images (`.gz` or
/// plain; the labels beside them, found by `images-idx3` -> `labels-idx1` in the name), or
/// `generate:quadratic`, `generate:logistic`, `generate:images`. The format is told from the content.
///
/// Pixels of IDX files are scaled to [0, 1]. Every error is a UsageError that names the file, the
/// row or byte, and what would be valid: missing, empty, truncated, non-numeric or wrong-shape
/// files, NaN or infinity, targets out of range.
class DataSource {
 public:
  DataSource(std::string path, Targets targets, GeneratedSize size = {});

  DataShape const& shape() const { return shape_; }
  /// Number of classes: the file's largest label + 1, at least 2; `--classes` for generated images.
  std::int64_t classes() const { return classes_; }

  /// The columns [part.first, part.first + part.size) of all rows, and all targets. HDF5 reads just
  /// these columns. T is float or double.
  template <class T>
  Dataset<T> load(Part columns) const;

 private:
  std::string path_;
  Targets targets_;
  GeneratedSize size_;
  DataShape shape_;
  std::int64_t classes_ = 0;
};

}  // namespace quartic::io
