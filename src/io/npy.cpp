#include "quartic/io/npy.hpp"

#include <fmt/ranges.h>

#include <bit>
#include <cstring>
#include <limits>

#include "quartic/core/check.hpp"

namespace quartic::io {
namespace {

constexpr std::size_t magic_bytes = 6;

[[noreturn]] void refuse_header(std::string const& path, std::string_view what) {
  usage_error("{}: its .npy header is damaged: {}", path, what);
}

std::size_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

/// The text of the header, a dictionary of Python, and where the numbers begin. Version 1 has the
/// length of the header in 2 bytes, the later ones in 4.
std::pair<std::string_view, std::size_t> header_of(FileBytes const& file) {
  std::string_view const bytes = file.bytes;
  std::size_t const length_bytes = bytes.size() > magic_bytes && bytes[magic_bytes] == 1 ? 2 : 4;
  std::size_t const begin = magic_bytes + 2 + length_bytes;
  if (!bytes.starts_with("\x93NUMPY") || bytes.size() < begin)
    refuse_header(file.path, "its first bytes are not those of a .npy file");
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;)
    length = length << 8 | byte_at(bytes, magic_bytes + 2 + i);
  if (length > bytes.size() - begin) refuse_header(file.path, "it is longer than the file");
  return {bytes.substr(begin, length), begin + length};
}

/// What stands behind a key up to the end of its value.
std::string_view value_of(std::string const& path, std::string_view header,
                          std::string const& key) {
  std::size_t const at = header.find("'" + key + "':");
  if (at == std::string_view::npos) refuse_header(path, "it has no '" + key + "'");
  std::string_view value = header.substr(at + key.size() + 3);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value.substr(0, value.find_first_of(value.starts_with('(') ? ")" : ",}"));
}

void parse_type(std::string const& path, std::string_view type, NpyArray& array) {
  bool const simple = type.size() == 5 && type.front() == '\'' && type.back() == '\'';
  char const kind = simple ? type[2] : ' ';
  char const digit = simple ? type[3] : '0';
  bool const integer = (kind == 'i' || kind == 'u') && (digit == '1' || digit == '2');
  bool const any = (kind == 'i' || kind == 'u' || kind == 'f') && (digit == '4' || digit == '8');
  bool const valid =
      integer || any || (kind == 'b' && digit == '1') || (kind == 'f' && digit == '2');
  if (!valid) {
    usage_error(
        "{}: is a .npy array of type {}; valid: integers, floats of up to 64 bits, booleans", path,
        quoted(type));
  }
  array.kind = kind;
  array.width = static_cast<std::size_t>(digit - '0');
  array.big_endian = type[1] == '>';
}

std::vector<std::int64_t> parse_shape(std::string const& path, std::string_view text) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  for (std::size_t at = text.find_first_of("0123456789"); at < text.size();
       at = text.find_first_of("0123456789", at)) {
    std::int64_t length = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      length = std::min(most, 10 * length + (text[at] - '0'));
    }
    shape.push_back(length);
    if (length != 0 && count > most / length) refuse_header(path, "its shape is too large");
    count *= length;
  }
  return shape;
}

template <class T>
double number(char const* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

/// A float of 16 bits.
double half(char const* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  int const exponent = bits >> 10 & 31;
  double const fraction = (bits & 1023) / 1024.0;
  double const sign = (bits >> 15) != 0 ? -1 : 1;
  if (exponent == 31) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15));
}

double number_of(char kind, std::size_t width, char const* bytes) {
  if (kind == 'f')
    return width == 8 ? number<double>(bytes) : width == 4 ? number<float>(bytes) : half(bytes);
  bool const with_sign = kind == 'i';
  switch (width) {
    case 1:
      return with_sign ? number<std::int8_t>(bytes) : number<std::uint8_t>(bytes);
    case 2:
      return with_sign ? number<std::int16_t>(bytes) : number<std::uint16_t>(bytes);
    case 4:
      return with_sign ? number<std::int32_t>(bytes) : number<std::uint32_t>(bytes);
    default:
      return with_sign ? number<std::int64_t>(bytes) : number<std::uint64_t>(bytes);
  }
}

/// Where number `index` of a row-major array lies in a column-major one of the same shape.
std::int64_t transposed(std::int64_t index, std::vector<std::int64_t> const& shape) {
  std::int64_t place = 0;
  std::int64_t stride = 1;
  std::int64_t below = 1;
  for (std::int64_t const length : shape) below *= length;
  for (std::int64_t const length : shape) {
    below /= length;
    place += index / below % length * stride;
    stride *= length;
  }
  return place;
}

}  // namespace

std::int64_t NpyArray::count() const {
  std::int64_t numbers_in_all = 1;
  for (std::int64_t const length : shape) numbers_in_all *= length;
  return numbers_in_all;
}

double NpyArray::at(std::int64_t index) const {
  std::int64_t const place = column_major ? transposed(index, shape) : index;
  char const* const begin = numbers.data() + static_cast<std::size_t>(place) * width;
  bool const swapped = width > 1 && big_endian == (std::endian::native == std::endian::little);
  if (!swapped) return number_of(kind, width, begin);
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size() && i < width; ++i) bytes[i] = begin[width - 1 - i];
  return number_of(kind, width, bytes.data());
}

std::string NpyArray::description() const {
  std::string const name = kind == 'b'   ? "bool"
                           : kind == 'f' ? "float"
                           : kind == 'u' ? "uint"
                                         : "int";
  return fmt::format("{}{} {}", name, kind == 'b' ? std::string() : fmt::format("{}", 8 * width),
                     shape);
}

NpyArray parse_npy(FileBytes const& file) {
  auto const [header, begin] = header_of(file);
  NpyArray array;
  parse_type(file.path, value_of(file.path, header, "descr"), array);
  array.column_major = value_of(file.path, header, "fortran_order").starts_with("True");
  array.shape = parse_shape(file.path, value_of(file.path, header, "shape"));
  array.numbers = std::string_view(file.bytes).substr(begin);
  std::size_t const needed = static_cast<std::size_t>(array.count()) * array.width;
  if (array.numbers.size() != needed) {
    usage_error("{}: its header declares {}, {} bytes, but {} bytes follow", file.path,
                array.description(), needed, array.numbers.size());
  }
  return array;
}

}  // namespace quartic::io
