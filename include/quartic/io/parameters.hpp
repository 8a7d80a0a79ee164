#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "quartic/io/h5.hpp"

/// Files of named parameters: HDF5 with one dataset a parameter at the root, whose name and shape
/// are those of a PyTorch state dict: "transformer.h.0.attn.c_attn.weight" [3 width, width].
namespace quartic::io {

using Shape = std::vector<std::int64_t>;
/// The shape of each parameter by its name.
using ParameterShapes = std::map<std::string, Shape>;

/// Elements [first, first + size) of a parameter; less than all only of a vector.
struct ParameterSlice {
  std::string name;
  Shape shape;  ///< of the whole parameter
  std::int64_t first = 0;
  std::int64_t size = 0;
};

/// A file that the user gives: everything wrong with it is a UsageError of one line that names it.
class ParameterReader {
 public:
  /// Every entry of the root must be a dataset of numbers; PyTorch's `num_batches_tracked` is
  /// passed over.
  explicit ParameterReader(std::string const& path);

  ParameterShapes const& shapes() const { return shapes_; }
  /// "crc32:89abcdef" of the whole file.
  std::string const& checksum() const { return checksum_; }
  /// An attribute of the whole file; UsageError where it is missing or no text.
  std::string text(std::string const& attribute) const;
  /// An attribute of every dataset, by the dataset's name; UsageError where one lacks it, or has
  /// what counts nothing.
  std::map<std::string, std::int64_t> counts(std::string const& attribute) const;
  /// UsageError that lists, with the first few names of each, what `model` has and the file has
  /// not, what only the file has, and what has other shapes.
  void require(ParameterShapes const& model) const;
  /// In the precision of T, from any. The file must have the slice (require()); UsageError where a
  /// number is not finite as T.
  template <class T>
  void read(ParameterSlice const& slice, std::span<T> values) const;

 private:
  std::string path_;
  std::string checksum_;
  ParameterShapes shapes_;
};

/// Adds parameters to a file, which is made where there is none: several processes can write one
/// file, one after the other. Failure when HDF5 cannot write it.
class ParameterWriter {
 public:
  explicit ParameterWriter(std::filesystem::path const& path);

  /// Writes float32 or float64, as T is. The first slice of a parameter makes its dataset.
  template <class T>
  void write(ParameterSlice const& slice, std::span<T const> values);
  /// An attribute of the whole file.
  void describe(std::string const& name, std::string const& text);
  void describe(std::string const& name, std::int64_t number);
  /// An attribute of the slice's dataset; where slices of one have several, the least.
  void describe(ParameterSlice const& slice, std::string const& name, std::int64_t number);
  /// Failure if the last bytes could not be written. Nothing may follow.
  void close() { file_.close(); }

 private:
  h5::File file_;
};

}  // namespace quartic::io
