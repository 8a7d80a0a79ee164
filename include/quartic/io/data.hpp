#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/core/partition.hpp"
#include "quartic/io/format.hpp"

namespace quartic::io {

/// Sizes of data that is generated rather than read, and of rows of tokens, which a file does not
/// tell.
struct GeneratedSize {
  std::int64_t rows = 4096;
  std::int64_t features = 0;  ///< 0: the generator's default
  std::int64_t classes = 10;
  std::int64_t sequence = 64;   ///< tokens in a row; of files too
  std::int64_t vocabulary = 0;  ///< of tokens; 0: what the file has, or the generator's default
  std::string bytes = {};       ///< of a text's tokens; empty: the distinct ones of the text
};

/// What the targets of a data set mean; readers check them.
enum class Targets {
  real,     ///< any finite number
  binary,   ///< 0/1 or -1/+1 in the file, 0/1 in memory
  classes,  ///< integers 0…classes-1
  tokens    ///< the row's tokens one further on, as many as it has features
};

/// What a data set was recognised as: for the line that a run prints about it, and for the check
/// that held-out rows are like those to train on.
struct DataFacts {
  std::string format;       ///< for people: "text", "llm.c tokens of 16 bits"
  std::string kind;         ///< how its numbers are to be read; rows of two kinds never meet
  std::int64_t bytes = 0;   ///< of its files as they are; 0: generated
  std::int64_t tokens = 0;  ///< 0: rows of features
  int token_bits = 0;       ///< of a file of numbers
  std::vector<double> labels = {};  ///< of the classes in order; empty: 0, 1, …
};

class Reader;

/// `--data`: a file, `generate:NAME`, or CIFAR's folder. The format is recognised from the content
/// (recognise()), or is that of `--data-format`; all but HDF5 may be packed with gzip.
///
/// Rows of features: HDF5 with `/X` [rows, features] or [rows, channels, height, width] and `/y`
/// [rows], other names as `FILE:/NAME,/NAME`; `.npy` arrays of the same shapes, the targets beside
/// the features (`X` -> `y` in the name) or as `X.npy,Y.npy`; LIBSVM text; CSV whose targets are
/// its last column, or the one under y, label, target or class; IDX images, the labels beside them
/// (`images` -> `labels`) or as `IMAGES,LABELS`; CIFAR-10 and CIFAR-100.
///
/// Where targets are tokens: any text, whose tokens are its bytes (not its characters), numbered
/// from 0 in ascending order of the distinct bytes that occur; llm.c's files; `.npy` arrays of
/// integers; little-endian numbers of `token_bits`; or `generate:text`. Row r holds the tokens from
/// r T on, T = `size.sequence`, and has T targets, the tokens from r T + 1 on; tokens that fill no
/// row are left out.
///
/// Pixels of IDX and CIFAR files are scaled to [0, 1]; the labels of CIFAR-100 are the fine ones.
/// Every error is a UsageError of one line that names the file, the row or byte, and what would be
/// valid: missing, empty, truncated, non-numeric or wrong-shape files, NaN or infinity, targets out
/// of range, formats that are not read. Any rank may call all of it.
class DataSource {
 public:
  /// Reads what shape() and classes() tell and checks the targets. All but HDF5 files are read once
  /// and kept, packed into their numbers, until the last copy of the source goes.
  /// `labels` are those of the training data where this is held-out data.
  DataSource(std::string const& path, Targets targets, GeneratedSize const& size = {},
             FileOptions const& options = {},
             std::optional<std::vector<double>> const& labels = {});

  DataShape const& shape() const;
  /// Number of classes: the file's largest label + 1, at least 2, or as many as it has labels where
  /// they are not numbered from 0; 10 or 100 for CIFAR; `--classes`
  /// for generated images.
  /// 2 for binary targets, 0 for real ones. For tokens `size.vocabulary`; where that is 0, the
  /// text's distinct bytes, a file's largest token + 1, or 64 for generated text.
  std::int64_t classes() const;
  /// The byte of each token of a text; empty for all other data.
  std::string const& vocabulary() const;
  DataFacts const& facts() const;

  /// The columns [part.first, part.first + part.size) of all rows, and all targets, those of a row
  /// one after the other. HDF5 reads just
  /// these columns; a generator draws all of every row, so that a column is the same in any part.
  /// Sparse files have zeros beyond their last feature, so there a part may reach beyond it. T is
  /// float or double.
  template <class T>
  Dataset<T> load(Part columns) const;

 private:
  std::shared_ptr<Reader const> reader_;
};

template <>
Dataset<float> DataSource::load<float>(Part columns) const;
template <>
Dataset<double> DataSource::load<double>(Part columns) const;

}  // namespace quartic::io
