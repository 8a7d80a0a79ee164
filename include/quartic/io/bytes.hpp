#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quartic::io {

/// The whole file. A missing, unreadable or empty file, or a folder, is a UsageError that names it.
std::string read_bytes(std::string const& path);

/// False for a path that does not exist, too.
bool is_folder(std::string const& path);

/// How many bytes it has; errors as read_bytes().
std::size_t file_length(std::string const& path);

/// At most `count` bytes from `begin` on; errors as read_bytes().
std::string read_at(std::string const& path, std::size_t begin, std::size_t count);

/// CRC-32 of `bytes` that follow bytes whose CRC-32 is `before`.
std::uint32_t checksum_of(std::string_view bytes, std::uint32_t before = 0);
/// The same of a file that may be larger than memory.
std::uint32_t checksum_of_file(std::string const& path);
/// Returns the checksum of bytes with the checksum `first` followed by `length` bytes with the
/// checksum `second`.
std::uint32_t joined_checksum(std::uint32_t first, std::uint32_t second, std::int64_t length);
/// "crc32:89abcdef".
std::string checksum_text(std::uint32_t checksum);

bool is_gzip(std::string_view bytes);
/// Unpacks gzip; `path` is for the UsageError of damaged or truncated data, which names the byte.
std::string unpack_gzip(std::string_view bytes, std::string const& path);

}  // namespace quartic::io
