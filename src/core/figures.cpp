#include "quartic/core/figures.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace quartic {

std::string grouped(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string number(double value) {
  return fmt::format("{:.4g}", value);
}

std::string rate(double per_second) {
  constexpr double whole_numbers_from = 100;
  if (per_second < whole_numbers_from) return fmt::format("{:.3g}", per_second);
  return grouped(std::llround(per_second));
}

std::string seconds_text(double seconds) {
  constexpr double whole_numbers_from = 100;
  return seconds < whole_numbers_from ? fmt::format("{:.3g} s", seconds)
                                      : fmt::format("{:.0f} s", seconds);
}

std::string clock_time(double seconds) {
  std::int64_t const whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace quartic
