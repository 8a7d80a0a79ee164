#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/data.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

constexpr std::string_view generate = "generate:";
constexpr std::string_view hdf5_signature = "\x89HDF\r\n\x1a\n";
constexpr std::string_view idx_signature{"\0\0", 2};

bool is_text(std::string_view bytes) {
  auto const is_control = [](char letter) {
    return (letter >= 0 && letter < ' ' && letter != '\n' && letter != '\r' && letter != '\t');
  };
  return std::none_of(bytes.begin(), bytes.end(), is_control);
}

// CIFAR if its length says so, for what is wrong with its labels.
std::unique_ptr<Reader> open_binary(std::string const& path, std::string bytes,
                                    std::string const& packed, Targets targets) {
  std::size_t const length = bytes.size();
  if (length % cifar10_record == 0 || length % cifar100_record == 0) {
    return open_cifar(path, std::move(bytes), packed, targets);
  }
  usage_error(
      "{}: its format is not known; valid are HDF5, LIBSVM text, IDX images, and CIFAR images, of "
      "which it has no whole number: {} bytes would be {} for CIFAR-10 and {} for CIFAR-100",
      path, length, nearest_multiple(length, cifar10_record),
      nearest_multiple(length, cifar100_record));
}

std::unique_ptr<Reader> open_unpacked(std::string const& path, std::string bytes,
                                      std::string const& packed, Targets targets,
                                      GeneratedSize const& size) {
  constexpr std::size_t enough = 4096;
  if (bytes.starts_with(hdf5_signature)) {
    usage_error("{}: is a packed HDF5 file; unpack it first", path);
  }
  std::string const checksum = checksum_text(checksum_of(packed));
  bool const text = is_text(std::string_view(bytes).substr(0, enough));
  // Before IDX: the first token may be 0, and then a file of tokens begins as IDX does.
  if (targets == Targets::tokens) {
    return text ? open_text(path, bytes, checksum, size) : open_tokens(path, bytes, checksum, size);
  }
  // CIFAR's first label and pixel may be 0, as IDX begins, and dark pixels be rare, as in text.
  if (!fits_idx(bytes) && fits_cifar(bytes)) {
    return open_cifar(path, std::move(bytes), packed, targets);
  }
  if (bytes.starts_with(idx_signature)) return open_idx(path, std::move(bytes), packed, targets);
  if (!text) return open_binary(path, std::move(bytes), packed, targets);
  return open_libsvm(path, bytes, checksum, targets);
}

std::unique_ptr<Reader> open_file(std::string const& path, Targets targets,
                                  GeneratedSize const& size) {
  if (targets != Targets::tokens && is_folder(path)) return open_cifar_folder(path, targets);
  if (read_head(path, hdf5_signature.size()) == hdf5_signature) {
    if (targets == Targets::tokens) {
      usage_error("{}: is an HDF5 file; this objective needs text or tokens of 16 bits", path);
    }
    return open_hdf5(path, checksum_text(checksum_of_file(path)), targets);
  }
  std::string const bytes = read_bytes(path);
  if (!is_gzip(bytes)) return open_unpacked(path, bytes, bytes, targets, size);
  return open_unpacked(path, unpack_gzip(bytes, path), bytes, targets, size);
}

std::unique_ptr<Reader> open_any(std::string const& path, Targets targets,
                                 GeneratedSize const& size) {
  if (path.starts_with(generate)) {
    return open_generator(path.substr(generate.size()), targets, size);
  }
  return open_file(path, targets, size);
}

}  // namespace

DataSource::DataSource(std::string const& path, Targets targets, GeneratedSize const& size)
    : reader_(open_any(path, targets, size)) {}

DataShape const& DataSource::shape() const {
  return reader_->shape();
}

std::int64_t DataSource::classes() const {
  return reader_->classes();
}

std::string const& DataSource::vocabulary() const {
  return reader_->vocabulary();
}

template <>
Dataset<float> DataSource::load<float>(Part columns) const {
  return reader_->read_float(columns);
}

template <>
Dataset<double> DataSource::load<double>(Part columns) const {
  return reader_->read_double(columns);
}

}  // namespace quartic::io
