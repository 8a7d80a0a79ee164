#include "quartic/io/bytes.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "quartic/core/check.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

std::ifstream open_stream(std::string const& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    usage_error("{}: cannot be opened: {}", path,
                std::error_code(errno, std::generic_category()).message());
  }
  return stream;
}

}  // namespace

std::size_t file_length(std::string const& path) {
  std::error_code error;
  fs::file_status const status = fs::status(path, error);
  if (!fs::exists(status)) {
    usage_error("{}: {}; give a data file or generate:NAME", path,
                error ? error.message() : "no such file");
  }
  if (fs::is_directory(status)) usage_error("{}: is a folder; give a data file", path);
  if (!fs::is_regular_file(status))
    usage_error("{}: is not a regular file; give a data file", path);
  std::size_t const size = fs::file_size(path);
  if (size == 0) usage_error("{}: is empty; give a data file with rows", path);
  return size;
}

std::string read_at(std::string const& path, std::size_t begin, std::size_t count) {
  std::size_t const length = file_length(path);
  count = std::min(count, length - std::min(length, begin));
  std::ifstream stream = open_stream(path);
  stream.seekg(static_cast<std::streamoff>(begin));
  std::string bytes(count, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  if (stream.gcount() != static_cast<std::streamsize>(count)) {
    usage_error("{}: only {} of {} bytes could be read", path, stream.gcount(), count);
  }
  return bytes;
}

bool is_folder(std::string const& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string read_bytes(std::string const& path) {
  return read_at(path, 0, file_length(path));
}

FileBytes read_file(std::string const& path) {
  std::string bytes = read_bytes(path);
  FileBytes file{path, {}, checksum_of(bytes), std::ssize(bytes)};
  file.bytes = is_gzip(bytes) ? unpack_gzip(bytes, path) : std::move(bytes);
  return file;
}

std::uint32_t checksum_of(std::string_view bytes, std::uint32_t before) {
  auto const* const data = reinterpret_cast<Bytef const*>(bytes.data());
  return static_cast<std::uint32_t>(crc32_z(before, data, bytes.size()));
}

std::uint32_t joined_checksum(std::uint32_t first, std::uint32_t second, std::int64_t length) {
  return static_cast<std::uint32_t>(crc32_combine(first, second, length));
}

std::uint32_t checksum_of_file(std::string const& path) {
  std::ifstream stream = open_stream(path);
  std::string block(std::size_t{1} << 18, '\0');
  std::uint32_t checksum = 0;
  while (stream) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    auto const got = static_cast<std::size_t>(stream.gcount());
    checksum = checksum_of(std::string_view(block).substr(0, got), checksum);
  }
  return checksum;
}

std::string checksum_text(std::uint32_t checksum) {
  return fmt::format("crc32:{:08x}", checksum);
}

}  // namespace quartic::io
