#include <doctest/doctest.h>

#include "quartic/core/partition.hpp"

using quartic::even_part;
using quartic::Part;

TEST_CASE(
    "parts cover everything once, in order, the longer first, sizes differing by at most one") {
  for (std::int64_t count = 0; count <= 40; ++count) {
    for (std::int64_t parts = 1; parts <= 12; ++parts) {
      CAPTURE(count);
      CAPTURE(parts);
      std::int64_t next = 0;
      std::int64_t previous_size = even_part(count, parts, 0).size;
      CHECK(previous_size == (count + parts - 1) / parts);
      for (std::int64_t index = 0; index < parts; ++index) {
        Part const part = even_part(count, parts, index);
        CHECK(part.first == next);
        CHECK(part.size <= previous_size);
        CHECK(part.size >= count / parts);
        previous_size = part.size;
        next += part.size;
      }
      CHECK(next == count);
    }
  }
}

TEST_CASE("512 columns over 3 stages") {
  static_assert(even_part(512, 3, 0).size == 171);
  static_assert(even_part(512, 3, 1).first == 171);
  static_assert(even_part(512, 3, 2).first == 342);
  static_assert(even_part(512, 3, 2).size == 170);
}
