#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/io/data.hpp"

namespace quartic::io {

/// One opened data set of one format. A format is a class derived from TypedReader<itself> with
/// `template <class T> Dataset<T> read(Part columns) const`.
class Reader {
 public:
  virtual ~Reader() = default;
  DataShape const& shape() const { return shape_; }
  /// As DataSource::classes().
  std::int64_t classes() const { return classes_; }
  /// As DataSource::vocabulary().
  std::string const& vocabulary() const { return vocabulary_; }
  virtual Dataset<float> read_float(Part columns) const = 0;
  virtual Dataset<double> read_double(Part columns) const = 0;

 protected:
  DataShape shape_;
  std::int64_t classes_ = 0;
  std::string vocabulary_;
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

/// `checksum` is of the file's bytes.
std::unique_ptr<Reader> open_hdf5(std::string const& path, std::string checksum, Targets targets);
/// `text` is the whole file, unpacked.
std::unique_ptr<Reader> open_libsvm(std::string const& path, std::string const& text,
                                    std::string checksum, Targets targets);
/// `images` is the whole file, unpacked; `packed` the file as it is, for the checksum.
std::unique_ptr<Reader> open_idx(std::string const& path, std::string images,
                                 std::string const& packed, Targets targets);
/// Whether it is an IDX file without an error in its header.
bool fits_idx(std::string_view bytes);
/// `bytes` is the whole file, unpacked, of any length that is a multiple of a record's.
std::unique_ptr<Reader> open_cifar(std::string const& path, std::string bytes,
                                   std::string const& packed, Targets targets);
/// The five files of CIFAR-10's training set, or the one of CIFAR-100's.
std::unique_ptr<Reader> open_cifar_folder(std::string const& path, Targets targets);
/// Whether the length and all labels are those of a CIFAR file.
bool fits_cifar(std::string_view bytes);
/// Lengths of one image with its labels.
inline constexpr std::size_t cifar10_record = 3073;
inline constexpr std::size_t cifar100_record = 3074;
/// Of a file that is not empty: the multiple of `record` nearest to its length.
std::size_t nearest_multiple(std::size_t length, std::size_t record);
/// A text whose bytes are its tokens; `text` is the whole file, unpacked.
std::unique_ptr<Reader> open_text(std::string const& path, std::string const& text,
                                  std::string checksum, GeneratedSize const& size);
/// Tokens of 16 bits; `bytes` is the whole file, unpacked.
std::unique_ptr<Reader> open_tokens(std::string const& path, std::string const& bytes,
                                    std::string checksum, GeneratedSize const& size);
/// `name` is quadratic, logistic, images or text; anything else is a UsageError that lists them.
std::unique_ptr<Reader> open_generator(std::string const& name, Targets targets,
                                       GeneratedSize size);
std::unique_ptr<Reader> open_generated_images(Targets targets, GeneratedSize const& size);
std::unique_ptr<Reader> open_generated_text(GeneratedSize size);

/// Checks what the file says of every row and turns binary targets into 0/1. Returns the number of
/// classes (0 for real targets). `where` names the place of a row: "data.txt: line 17".
std::int64_t check_targets(std::vector<double>& targets, Targets meaning,
                           std::function<std::string(std::size_t)> const& where);

template <class T>
std::vector<T> to_precision(std::vector<double> const& targets) {
  return {targets.begin(), targets.end()};
}

}  // namespace quartic::io
