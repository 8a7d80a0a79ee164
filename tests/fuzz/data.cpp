// --data: what DataSource makes of bytes, whatever format it takes them for.
#include "quartic/io/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"

namespace quartic::fuzz {
namespace {

using io::DataSource;
using io::Targets;

constexpr std::int64_t sequence = 8;

template <class T>
std::uint32_t checksum(std::vector<T> const& values, std::uint32_t before) {
  auto const bytes = std::as_bytes(std::span(values));
  return io::checksum_of({reinterpret_cast<char const*>(bytes.data()), bytes.size()}, before);
}

template <class T>
std::string summary(DataSource const& source, Dataset<T> const& data) {
  DataShape const& shape = source.shape();
  std::uint32_t sum = checksum(data.targets, 0);
  if (auto const* dense = std::get_if<DenseFeatures<T>>(&data.features)) {
    sum = checksum(dense->values, sum);
  } else {
    auto const& sparse = std::get<SparseFeatures<T>>(data.features);
    sum = checksum(sparse.values, checksum(sparse.column, checksum(sparse.row_begin, sum)));
  }
  return fmt::format("{} x {}, {} classes: {:08x}", shape.rows, shape.features, source.classes(),
                     sum);
}

template <class T>
std::string summary(DataSource const& source) {
  return summary(source, source.load<T>({0, source.shape().features}));
}

// Whether the numbers are labels too is another question, which may have another answer.
std::string read_rows(std::string const& path) {
  DataSource const source(path, Targets::real);
  std::string const read = summary<double>(source);
  for (Targets const meaning : {Targets::classes, Targets::binary}) {
    try {
      summary<float>(DataSource(path, meaning));
    } catch (UsageError const&) {
    }
  }
  return read;
}

std::string read_hdf5(std::string const& bytes) {
  DataSource const source(place("data.h5", bytes), Targets::real);
  Dataset<double> const data = source.load<double>({0, source.shape().features});
  auto const* const dense = std::get_if<DenseFeatures<double>>(&data.features);
  if (dense == nullptr) throw UsageError("another format's text");
  refuse_hole(dense->values);
  refuse_hole(data.targets);
  return summary(source, data);
}

std::string read_gzip(std::string const& bytes) {
  return read_rows(place("data.gz", bytes));
}

std::string read_libsvm(std::string const& bytes) {
  std::string const path = place("data.txt", bytes);
  std::string read = read_rows(path);
  std::int64_t rows = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t const end = std::min(bytes.find('\n', begin), bytes.size());
    std::size_t const word = bytes.find_first_not_of(" \t\r", begin);
    if (word < end && bytes[word] != '#') ++rows;
    begin = end + 1;
  }
  DataSource const source(path, Targets::real);
  std::int64_t const found = source.shape().rows;
  if (source.facts().format == "LIBSVM" && !io::is_gzip(bytes) && found != rows)
    throw Finding(fmt::format("{} rows of {} lines", found, rows));
  return read;
}

// The length that an IDX header announces; 0 where the bytes have none.
std::uint64_t announced_length(std::string_view bytes) {
  auto const byte = [&](std::size_t at) {
    return std::uint64_t{static_cast<unsigned char>(bytes[at])};
  };
  if (bytes.size() < 4 || bytes.size() < 4 + 4 * byte(3)) return 0;
  __uint128_t items = 1;
  for (std::size_t i = 0; i < byte(3) && items <= bytes.size(); ++i) {
    std::size_t const at = 4 + 4 * i;
    items *= byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
  }
  return static_cast<std::uint64_t>(4 + 4 * byte(3) + items);
}

bool is_cifar_length(std::size_t length) {
  return length % 3073 == 0 || length % 3074 == 0;
}

// The images and, from their own header on, the labels that belong beside them.
std::string read_idx(std::string const& bytes) {
  std::size_t const at = bytes.rfind(std::string_view("\0\0\x08\x01", 4));
  std::string_view const images = std::string_view(bytes).substr(0, at);
  std::string_view const labels = std::string_view(bytes).substr(std::min(at, bytes.size()));
  std::string const path = place("images-idx3-ubyte", images);
  place("labels-idx1-ubyte", labels);
  std::string read = read_rows(path);
  if (images.starts_with(std::string_view("\0\0", 2)) && !is_cifar_length(images.size())) {
    if (announced_length(images) != images.size()) throw Finding("images of another length");
    if (announced_length(labels) != labels.size()) throw Finding("labels of another length");
  }
  return read;
}

std::string read_cifar(std::string const& bytes) {
  std::string read = read_rows(place("data.bin", bytes));
  bool const is_known = bytes.find('\0') == std::string::npos || io::is_gzip(bytes) ||
                        announced_length(bytes) == bytes.size();
  if (!is_known && !is_cifar_length(bytes.size())) throw Finding("images of another length");
  return read;
}

// The text is its vocabulary at its tokens.
std::string read_text(std::string const& bytes) {
  DataSource const source(place("text", bytes), Targets::tokens, {.sequence = sequence});
  if (source.vocabulary().empty() || io::is_gzip(bytes)) return summary<float>(source);
  Dataset<float> const data = source.load<float>({0, sequence});
  std::string_view const letters = io::without_mark(bytes);
  for (std::size_t at = 0; at < data.targets.size(); ++at) {
    char const letter = source.vocabulary().at(static_cast<std::size_t>(data.targets[at]));
    if (letter != letters[at + 1]) throw Finding(fmt::format("another letter at {}", at + 1));
  }
  return summary<float>(source);
}

std::string read_tokens(std::string const& bytes) {
  io::FileOptions const wide{"", 16};
  DataSource const source(place("tokens", bytes), Targets::tokens, {.sequence = sequence}, wide);
  bool const is_bare = source.facts().format == "tokens of 16 bits" && !io::is_gzip(bytes);
  if (is_bare && bytes.size() % 2 != 0) throw Finding("half a token");
  return summary<float>(source);
}

// The number of tokens that the header of llm.c announces is that of the file.
std::string read_llmc(std::string const& bytes) {
  DataSource const source(place("llmc", bytes), Targets::tokens, {.sequence = sequence},
                          {"llmc", 0});
  std::int64_t const announced = source.facts().tokens * source.facts().token_bits / 8;
  if (!io::is_gzip(bytes) && std::ssize(bytes) != 1024 + announced)
    throw Finding("tokens of another number");
  return summary<float>(source);
}

// Features, and from the second signature on the targets.
std::string read_npy(std::string const& bytes) {
  std::size_t const at = std::max<std::size_t>(1, bytes.size()) - 1;
  std::size_t const second = bytes.rfind("\x93NUMPY", at);
  std::string const path = place("X.npy", std::string_view(bytes).substr(0, second));
  place("y.npy", std::string_view(bytes).substr(std::min(second, bytes.size())));
  return read_rows(path);
}

std::string read_npy_tokens(std::string const& bytes) {
  return summary<float>(
      DataSource(place("tokens.npy", bytes), Targets::tokens, {.sequence = sequence}));
}

std::string read_csv(std::string const& bytes) {
  DataSource const source(place("data.csv", bytes), Targets::real, {}, {"csv", 0});
  return summary<double>(source);
}

Registration const hdf5{{"hdf5_data", read_hdf5}};
Registration const gzip{{"gzip", read_gzip}};
Registration const libsvm{{"libsvm", read_libsvm}};
Registration const idx{{"idx", read_idx}};
Registration const cifar{{"cifar", read_cifar}};
Registration const text{{"text", read_text}};
Registration const tokens{{"tokens", read_tokens}};
Registration const llmc{{"llmc", read_llmc}};
Registration const npy{{"npy", read_npy}};
Registration const npy_tokens{{"npy_tokens", read_npy_tokens}};
Registration const csv{{"csv", read_csv}};

}  // namespace
}  // namespace quartic::fuzz
