#include "value_text.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace quartic::io {
namespace {

template <class T>
T value_at(std::byte const* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class Float>
using Bits = std::conditional_t<sizeof(Float) == sizeof(float), std::uint32_t, std::uint64_t>;

/// Numbers the floating-point numbers in ascending order, −0 and 0 alike with 0; the result is a
/// sign and a count, because the difference of two counts may not fit into a signed integer.
template <class Float>
Bits<Float> units_between(Float left, Float right) {
  Bits<Float> const a = std::bit_cast<Bits<Float>>(std::abs(left));
  Bits<Float> const b = std::bit_cast<Bits<Float>>(std::abs(right));
  if (std::signbit(left) != std::signbit(right)) return a + b;
  return a > b ? a - b : b - a;
}

template <class Float>
std::string text(Float value) {
  if (!std::isnan(value)) return fmt::format("{}", value);
  return fmt::format("NaN ({:#x})", std::bit_cast<Bits<Float>>(value));
}

template <class Float>
std::string both_floats(Float left, Float right) {
  std::string words = fmt::format("{} and {}", text(left), text(right));
  if (std::isfinite(left) && std::isfinite(right)) {
    auto const units = units_between(left, right);
    words += fmt::format(" ({} unit{} in the last place)", units, units == 1 ? "" : "s");
  }
  return words;
}

}  // namespace

std::string both_values(double left, double right) {
  return both_floats(left, right);
}

std::string both_values(float left, float right) {
  return both_floats(left, right);
}

std::string both_values(Kind kind, std::byte const* left, std::byte const* right) {
  auto const both = [&]<class T>(T) {
    return fmt::format("{} and {}", value_at<T>(left), value_at<T>(right));
  };
  switch (kind) {
    case Kind::int32:
      return both(std::int32_t{});
    case Kind::int64:
      return both(std::int64_t{});
    case Kind::real:
      return both_values(value_at<double>(left), value_at<double>(right));
    case Kind::letter:
    case Kind::text:
      break;
  }
  return both(char{});
}

}  // namespace quartic::io
