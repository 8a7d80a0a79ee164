#include "quartic/io/bytes.hpp"

#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "quartic/core/check.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

std::size_t checked_size(std::string const& path) {
  std::error_code error;
  fs::file_status const status = fs::status(path, error);
  if (!fs::exists(status)) {
    usage_error("{}: {}; give a data file or generate:NAME", path,
                error ? error.message() : "no such file");
  }
  if (fs::is_directory(status)) usage_error("{}: is a folder; give a data file", path);
  if (!fs::is_regular_file(status)) usage_error("{}: is no regular file; give a data file", path);
  std::size_t const size = fs::file_size(path);
  if (size == 0) usage_error("{}: is empty; give a data file with rows", path);
  return size;
}

std::ifstream open_stream(std::string const& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    usage_error("{}: cannot be opened: {}", path,
                std::error_code(errno, std::generic_category()).message());
  }
  return stream;
}

std::string read_some(std::string const& path, std::size_t count) {
  std::ifstream stream = open_stream(path);
  std::string bytes(count, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  if (stream.gcount() != static_cast<std::streamsize>(count)) {
    usage_error("{}: only {} of {} bytes could be read", path, stream.gcount(), count);
  }
  return bytes;
}

}  // namespace

bool is_folder(std::string const& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string read_bytes(std::string const& path) {
  return read_some(path, checked_size(path));
}

std::string read_head(std::string const& path, std::size_t count) {
  return read_some(path, std::min(count, checked_size(path)));
}

std::uint32_t checksum_of(std::string_view bytes, std::uint32_t before) {
  auto const* const data = reinterpret_cast<Bytef const*>(bytes.data());
  return static_cast<std::uint32_t>(crc32_z(before, data, bytes.size()));
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
