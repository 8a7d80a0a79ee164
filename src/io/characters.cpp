#include <algorithm>
#include <cstdint>

#include "quartic/io/format.hpp"

namespace quartic::io {
namespace {

std::uint8_t number_of(char byte) {
  return static_cast<std::uint8_t>(byte);
}

/// How many bytes a character has that begins with `first`; 0 for a byte that begins none.
std::size_t length_of_character(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t const length = length_of_character(number_of(bytes[at]));
    if (length == 0 || at + length > bytes.size()) return false;
    for (std::size_t i = 1; i < length; ++i) {
      if ((number_of(bytes[at + i]) & 0xc0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

/// What single-byte codings have in texts: BEL to CR, ESC, and the end mark of DOS.
bool is_letter(char byte) {
  std::uint8_t const number = number_of(byte);
  return number >= ' ' || (number >= 7 && number <= 13) || number == 0x1a || number == 0x1b;
}

}  // namespace

bool is_text(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) return false;
  return std::all_of(bytes.begin(), bytes.end(), is_letter) || is_utf8(bytes);
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

}  // namespace quartic::io
