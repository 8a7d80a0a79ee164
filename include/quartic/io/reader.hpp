#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/io/data.hpp"

namespace quartic::io {

/// What targets have to be.
struct TargetRules {
  Targets meaning = Targets::real;
  /// The labels of the training data, as in Classes; without them the file decides.
  std::optional<std::vector<double>> labels = {};
};

/// The classes of a data set.
struct Classes {
  std::int64_t count = 0;           ///< 0: real targets
  std::vector<double> labels = {};  ///< of the classes in order; empty: 0, 1, …
};

/// The datasets of an HDF5 file.
struct DatasetNames {
  std::string features = "/X";
  std::string targets = "/y";
};

/// One opened data set of one format. A format is a class derived from TypedReader<itself> with
/// `template <class T> Dataset<T> read(Part columns) const`.
class Reader {
 public:
  virtual ~Reader() = default;
  DataShape const& shape() const { return shape_; }
  /// Same as DataSource::classes().
  std::int64_t classes() const { return classes_; }
  /// Same as DataSource::vocabulary().
  std::string const& vocabulary() const { return vocabulary_; }
  DataFacts const& facts() const { return facts_; }
  virtual Dataset<float> read_float(Part columns) const = 0;
  virtual Dataset<double> read_double(Part columns) const = 0;

 protected:
  DataShape shape_;
  std::int64_t classes_ = 0;
  std::string vocabulary_;
  DataFacts facts_;
};

template <class Format>
class TypedReader : public Reader {
 public:
  Dataset<float> read_float(Part columns) const final {
    return static_cast<Format const&>(*this).template read<float>(columns);
  }
  Dataset<double> read_double(Part columns) const final {
    return static_cast<Format const&>(*this).template read<double>(columns);
  }
};

/// A data file in memory.
struct FileBytes {
  std::string path;
  std::string bytes;           ///< unpacked
  std::uint32_t checksum = 0;  ///< of the file as it is
  std::int64_t length = 0;     ///< of the file as it is
};

/// The whole file; gzip is unpacked.
FileBytes read_file(std::string const& path);

/// `names` are the datasets of the features and the targets; `checksum` is of the file's bytes.
std::unique_ptr<Reader> open_hdf5(std::string const& path, DatasetNames const& names,
                                  std::string checksum, TargetRules const& targets);
std::unique_ptr<Reader> open_libsvm(FileBytes const& file, TargetRules const& targets);
std::unique_ptr<Reader> open_csv(FileBytes const& file, TargetRules const& targets);
/// `targets_path` names the file with the labels; empty: it is found beside the images.
std::unique_ptr<Reader> open_idx(FileBytes images, std::string const& labels_path,
                                 TargetRules const& targets);
/// Whether it is an IDX file of unsigned bytes without an error in its header.
bool fits_idx(std::string_view bytes);
/// Whether its first bytes are those of an IDX file.
bool begins_as_idx(std::string_view bytes);
/// Features; `targets_path` names the array of targets; empty: it is found beside that of features.
std::unique_ptr<Reader> open_npy(FileBytes const& features, std::string const& targets_path,
                                 TargetRules const& targets);
/// The integers of a .npy file are tokens.
std::unique_ptr<Reader> open_npy_tokens(FileBytes const& file, GeneratedSize const& size);
std::unique_ptr<Reader> open_cifar10(FileBytes file, TargetRules const& targets);
std::unique_ptr<Reader> open_cifar100(FileBytes file, TargetRules const& targets);
/// The five files of CIFAR-10's training set, or the one of CIFAR-100's.
std::unique_ptr<Reader> open_cifar_folder(std::string const& path, TargetRules const& targets);
/// Whether the length and all labels are those of a CIFAR file.
bool fits_cifar10(std::string_view bytes);
bool fits_cifar100(std::string_view bytes);
/// Lengths of one image with its labels.
inline constexpr std::size_t cifar10_record = 3073;
inline constexpr std::size_t cifar100_record = 3074;
/// The multiple of `record` nearest to the length of a file that is not empty.
std::size_t nearest_multiple(std::size_t length, std::size_t record);
/// A text whose bytes are its tokens.
std::unique_ptr<Reader> open_text(FileBytes const& file, GeneratedSize const& size);
/// Tokens of 16 or 32 bits.
std::unique_ptr<Reader> open_tokens(FileBytes const& file, int bits, GeneratedSize const& size);
/// Tokens after the header of llm.c's files, which tells how many they are.
std::unique_ptr<Reader> open_llmc(FileBytes const& file, GeneratedSize const& size);
bool begins_as_llmc(std::string_view bytes);
/// `name` is quadratic, logistic, images or text; anything else is a UsageError that lists them.
std::unique_ptr<Reader> open_generator(std::string const& name, Targets targets,
                                       GeneratedSize size);
std::unique_ptr<Reader> open_generated_images(Targets targets, GeneratedSize const& size);
std::unique_ptr<Reader> open_generated_text(GeneratedSize size);

/// Checks what the file says of every row and numbers its labels from 0. `where` names the place of
/// a row: "data.txt: line 17".
///
/// Labels that are 0, 1, … in the file are these numbers. Those that are not, as -1 and +1, or 1 to
/// 7, are numbered in ascending order, and returned.
Classes number_targets(std::vector<double>& targets, TargetRules const& rules,
                       std::function<std::string(std::size_t)> const& where);

template <class T>
std::vector<T> to_precision(std::vector<double> const& targets) {
  return {targets.begin(), targets.end()};
}

}  // namespace quartic::io
