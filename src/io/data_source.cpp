#include <filesystem>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/data.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

constexpr std::string_view generate = "generate:";

/// What a reader is asked for.
struct Request {
  TargetRules targets;
  GeneratedSize const& size;
  FileOptions const& options;

  bool tokens() const { return targets.meaning == Targets::tokens; }
};

/// `FILE`, `FILE,FILE` or `FILE:/NAME,/NAME`.
struct Location {
  std::string file;
  std::string targets_file;
  std::optional<DatasetNames> datasets;
};

/// A path that exists is that file, whatever its name has in it.
Location parse_location(std::string const& path) {
  std::error_code none;
  if (std::filesystem::exists(path, none)) return {path, "", {}};
  auto const comma = path.find(',');
  if (comma == std::string::npos) return {path, "", {}};
  auto const colon = path.rfind(":/", comma);
  if (colon == std::string::npos) return {path.substr(0, comma), path.substr(comma + 1), {}};
  return {path.substr(0, colon), "",
          DatasetNames{path.substr(colon + 1, comma - colon - 1), path.substr(comma + 1)}};
}

bool is_hdf5(std::string const& path) {
  constexpr std::size_t length_of_signature = 8;
  return has_hdf5_signature(file_length(path), [&](std::size_t begin) {
    return read_at(path, begin, length_of_signature);
  });
}

std::unique_ptr<Reader> open_hdf5_file(Location const& place, Request const& request) {
  if (request.tokens()) {
    usage_error(
        "{}: is an HDF5 file, but this objective reads tokens; valid: text, .npy, llm.c files, and "
        "files of 16-bit or 32-bit tokens",
        place.file);
  }
  return open_hdf5(place.file, place.datasets.value_or(DatasetNames{}),
                   checksum_text(checksum_of_file(place.file)), request.targets);
}

void refuse_packed_hdf5(FileBytes const& file) {
  bool const found = has_hdf5_signature(file.bytes.size(), [&](std::size_t begin) {
    return std::string_view(file.bytes).substr(begin, 8);
  });
  if (found) usage_error("{}: is a compressed HDF5 file; decompress it first", file.path);
}

/// A width that the file itself tells may be given, if it is the same.
void check_token_bits(std::string const& path, int given, int found) {
  if (given == 0 || given == found) return;
  std::string const has = found == 0 ? "is read as text" : fmt::format("has {}-bit tokens", found);
  usage_error("--token-bits {}: {} {}", given, path, has);
}

std::unique_ptr<Reader> open_token_numbers(FileBytes const& file, Request const& request) {
  int const bits = request.options.token_bits;
  if (bits == 0) usage_error("{}: --data-format tokens needs --token-bits 16 or 32", file.path);
  return open_tokens(file, bits, request.size);
}

std::unique_ptr<Reader> open_token_file(FileBytes const& file, Format format,
                                        Request const& request) {
  if (format == Format::tokens) return open_token_numbers(file, request);
  if (format == Format::llmc) return open_llmc(file, request.size);
  if (format == Format::npy) return open_npy_tokens(file, request.size);
  if (format == Format::text) return open_text(file, request.size);
  usage_error(
      "--data-format {}: holds rows of features, but this objective reads tokens; valid: text, "
      "npy, tokens, llmc",
      request.options.format);
}

std::unique_ptr<Reader> open_row_file(FileBytes file, Format format, Location const& place,
                                      Request const& request) {
  switch (format) {
    case Format::npy:
      return open_npy(file, place.targets_file, request.targets);
    case Format::idx:
      return open_idx(std::move(file), place.targets_file, request.targets);
    case Format::cifar10:
      return open_cifar10(std::move(file), request.targets);
    case Format::cifar100:
      return open_cifar100(std::move(file), request.targets);
    case Format::libsvm:
      return open_libsvm(file, request.targets);
    case Format::csv:
      return open_csv(file, request.targets);
    default:
      usage_error(
          "--data-format {}: holds tokens, but this objective reads rows of features; valid: hdf5, "
          "npy, idx, cifar10, cifar100, libsvm, csv",
          request.options.format);
  }
}

std::unique_ptr<Reader> open_unpacked(FileBytes file, Location const& place,
                                      Request const& request) {
  refuse_packed_hdf5(file);
  Format const format = recognise(file.path, file.bytes, request.tokens(), request.options);
  if (request.tokens()) {
    auto reader = open_token_file(file, format, request);
    check_token_bits(file.path, request.options.token_bits, reader->facts().token_bits);
    return reader;
  }
  return open_row_file(std::move(file), format, place, request);
}

std::unique_ptr<Reader> open_any(std::string const& path, Request const& request) {
  if (path.starts_with(generate)) {
    return open_generator(path.substr(generate.size()), request.targets.meaning, request.size);
  }
  Location const place = parse_location(path);
  if (!request.tokens() && is_folder(place.file)) {
    return open_cifar_folder(place.file, request.targets);
  }
  std::string const& named = request.options.format;
  if (named == "hdf5" || place.datasets || (named.empty() && is_hdf5(place.file))) {
    return open_hdf5_file(place, request);
  }
  return open_unpacked(read_file(place.file), place, request);
}

}  // namespace

DataSource::DataSource(std::string const& path, Targets targets, GeneratedSize const& size,
                       FileOptions const& options, std::optional<std::vector<double>> const& labels)
    : reader_(open_any(path, {{targets, labels}, size, options})) {}

DataShape const& DataSource::shape() const {
  return reader_->shape();
}

std::int64_t DataSource::classes() const {
  return reader_->classes();
}

std::string const& DataSource::vocabulary() const {
  return reader_->vocabulary();
}

DataFacts const& DataSource::facts() const {
  return reader_->facts();
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
