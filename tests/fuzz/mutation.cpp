#include "fuzz/mutation.hpp"

#include <algorithm>
#include <array>

namespace quartic::fuzz {
namespace {

// What length fields and their arithmetic break at.
constexpr std::array<std::uint64_t, 16> extremes{0,
                                                 1,
                                                 2,
                                                 0x7f,
                                                 0x80,
                                                 0xff,
                                                 0x7fff,
                                                 0x8000,
                                                 0xffff,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0xfffffffe,
                                                 0x100000000,
                                                 0x7fffffffffffffff,
                                                 0xffffffffffffffff};
constexpr std::array<char const*, 12> extreme_digits{"0",
                                                     "-1",
                                                     "1e308",
                                                     "1e-400",
                                                     "nan",
                                                     "inf",
                                                     "2147483648",
                                                     "4294967296",
                                                     "9223372036854775808",
                                                     "99999999999999999999999",
                                                     "0x10",
                                                     "1e999"};
constexpr std::size_t longest = std::size_t{1} << 20;

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

}  // namespace

Mutator::Mutator(std::vector<std::string> const& seeds, std::uint64_t number)
    : seeds_(seeds), random_(number) {}

// Not a distribution of the library: those differ between libraries.
std::size_t Mutator::below(std::size_t end) {
  return end == 0 ? 0 : random_() % end;
}

std::string Mutator::mutate(std::string bytes) {
  constexpr std::array<Kind, 9> kinds{
      &Mutator::flip_bit,   &Mutator::set_byte, &Mutator::set_number,
      &Mutator::set_digits, &Mutator::truncate, &Mutator::remove,
      &Mutator::repeat,     &Mutator::exchange, &Mutator::splice};
  if (below(3) == 0) {
    truncate(bytes);
    return bytes;
  }
  for (std::size_t left = 1 + below(4); left > 0 && !bytes.empty(); --left) {
    (this->*kinds[below(kinds.size())])(bytes);
    bytes.resize(std::min(bytes.size(), longest));
  }
  return bytes;
}

void Mutator::flip_bit(std::string& bytes) {
  char& byte = bytes[below(bytes.size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << below(8)));
}

void Mutator::set_byte(std::string& bytes) {
  bytes[below(bytes.size())] = static_cast<char>(below(256));
}

// A number of 1, 2, 4 or 8 bytes, from either end.
void Mutator::set_number(std::string& bytes) {
  std::uint64_t const number = extremes[below(extremes.size())];
  std::size_t const size = std::min(std::size_t{1} << below(4), bytes.size());
  std::size_t const at = below(bytes.size() - size + 1);
  bool const big_endian = below(2) == 0;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + (big_endian ? size - 1 - i : i)] = static_cast<char>(number >> (8 * i) & 0xff);
  }
}

// The digits at or after a place, as text.
void Mutator::set_digits(std::string& bytes) {
  auto const from = bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size()));
  auto const begin = std::find_if(from, bytes.end(), is_digit);
  auto const end = std::find_if_not(begin, bytes.end(), is_digit);
  bytes.replace(begin, end, extreme_digits[below(extreme_digits.size())]);
}

void Mutator::truncate(std::string& bytes) {
  bytes.resize(below(bytes.size()));
}

void Mutator::remove(std::string& bytes) {
  std::size_t const at = below(bytes.size());
  bytes.erase(at, 1 + below(std::min<std::size_t>(bytes.size() - at, 64)));
}

void Mutator::repeat(std::string& bytes) {
  std::size_t const at = below(bytes.size());
  std::string const piece = bytes.substr(at, 1 + below(bytes.size() - at));
  bytes.insert(at, piece);
}

void Mutator::exchange(std::string& bytes) {
  std::size_t const size = 1 + below(std::min<std::size_t>(bytes.size(), 16));
  std::size_t const one = below(bytes.size() - size + 1);
  std::size_t const other = below(bytes.size() - size + 1);
  for (std::size_t i = 0; i < size; ++i) std::swap(bytes[one + i], bytes[other + i]);
}

// The head of this file and the tail of another.
void Mutator::splice(std::string& bytes) {
  std::string const& other = seeds_[below(seeds_.size())];
  bytes.resize(below(bytes.size() + 1));
  bytes += other.substr(below(other.size() + 1));
}

}  // namespace quartic::fuzz
