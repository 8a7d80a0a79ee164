#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace quartic {

/// FNV-1a by words of 64 bits (Fowler, Noll and Vo; RFC 9923): tells two sequences apart that have
/// not been made to look alike. A change of any one word always shows.
struct WordHash {
  std::uint64_t value = 0xcbf29ce484222325;

  void add(std::uint64_t word) { value = (value ^ word) * 0x100000001b3; }

  /// Adds the bytes of a row.
  template <class Row>
  void add_bytes_of(Row const& row) {
    static_assert(std::is_trivially_copyable_v<Row> && sizeof(Row) % sizeof(std::uint64_t) == 0);
    std::array<std::uint64_t, sizeof(Row) / sizeof(std::uint64_t)> words{};
    std::memcpy(words.data(), &row, sizeof(Row));
    for (std::uint64_t const word : words) add(word);
  }
};

}  // namespace quartic
