#pragma once

#include <cstdint>
#include <string>

namespace quartic::plan {

/// Exact plan time. Integers, because ties decide orders and doubles drift in ties.
using Ticks = std::int64_t;

/// Ticks in one unit of plan time (a slot; a second under measured costs).
inline constexpr Ticks ticks_per_unit = 1'000'000'000;

inline constexpr double to_units(Ticks ticks) {
  return static_cast<double>(ticks) / static_cast<double>(ticks_per_unit);
}

enum class Kind : std::uint8_t { wait, forward, backward, backward_input, backward_weight, done };

/// F, B (both halves), I (input gradient) or W (weight gradient); '.' for wait and done.
char letter(Kind kind);

/// What a worker does next: one pass of one microbatch at one stage. A backward that covers a whole
/// minibatch has `count` > 1 and `microbatch` its first.
struct Action {
  Kind kind = Kind::wait;
  int stage = 0;
  std::int64_t microbatch = 0;
  std::int32_t count = 1;

  friend bool operator==(Action const&, Action const&) = default;
};

/// Text form, as in PyTorch's schedule files: stage, kind, microbatch ("0F3").
std::string to_text(Action const& action);

}  // namespace quartic::plan
