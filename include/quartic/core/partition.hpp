#pragma once

#include <cstdint>

namespace quartic {

/// Part `index` of `count` things cut into `parts` contiguous parts whose sizes differ by at most
/// one, the longer first: [first, first + size).
struct Part {
  std::int64_t first;
  std::int64_t size;
};

constexpr Part even_part(std::int64_t count, std::int64_t parts, std::int64_t index) {
  std::int64_t const size = count / parts;
  std::int64_t const longer = count % parts;
  return {index * size + (index < longer ? index : longer), size + (index < longer ? 1 : 0)};
}

}  // namespace quartic
