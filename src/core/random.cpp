#include "quartic/core/random.hpp"

#include <Random123/philox.h>

#include <Random123/boxmuller.hpp>

#include "quartic/core/check.hpp"

namespace quartic {

Stream::Stream(std::uint64_t seed, StreamName name, std::uint32_t index, std::uint64_t microbatch)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, static_cast<std::uint32_t>(name) << 24 | index,
               static_cast<std::uint32_t>(microbatch),
               static_cast<std::uint32_t>(microbatch >> 32)} {
  QUARTIC_ASSERT(index < (1U << 24));
}

void Stream::refill() {
  r123::Philox4x32::ctr_type const counter{{counter_[0], counter_[1], counter_[2], counter_[3]}};
  r123::Philox4x32::key_type const key{{key_[0], key_[1]}};
  auto const drawn = r123::Philox4x32{}(counter, key);
  buffer_[0] = std::uint64_t{drawn[0]} << 32 | drawn[1];
  buffer_[1] = std::uint64_t{drawn[2]} << 32 | drawn[3];
  left_ = 2;
  ++counter_[0];
  if (counter_[0] == 0) failure("a random stream is exhausted after 2^33 draws");
}

std::uint64_t Stream::bits() {
  if (left_ == 0) refill();
  return buffer_[static_cast<std::size_t>(2 - left_--)];
}

std::uint64_t Stream::below(std::uint64_t n) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(bits()) * n >> 64);
}

double Stream::uniform() {
  return static_cast<double>(bits() >> 11) * 0x1.0p-53;
}

double Stream::normal() {
  if (has_spare_normal_) {
    has_spare_normal_ = false;
    return spare_normal_;
  }
  std::uint64_t const first = bits();
  auto const pair = r123::boxmuller(first, bits());
  spare_normal_ = pair.y;
  has_spare_normal_ = true;
  return pair.x;
}

void Stream::normals(std::span<double> values) {
  for (double& value : values) value = normal();
}

void Stream::normals(std::span<float> values) {
  for (float& value : values) value = static_cast<float>(normal());
}

}  // namespace quartic
