#include "quartic/io/numbers.hpp"

#include <charconv>
#include <cmath>
#include <string>

namespace quartic::io {
namespace {

/// std::from_chars has no value for what a double cannot hold, whether it is too large or too
/// small. Only strtod, of a word that from_chars has found to be a number, tells the two apart.
bool is_too_small(std::string_view word) {
  return std::abs(std::strtod(std::string(word).c_str(), nullptr)) < 1;
}

}  // namespace

std::optional<double> parse_number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0;
  auto const [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size()) return {};
  if (error == std::errc::result_out_of_range) {
    if (!is_too_small(word)) return {};
    return 0;
  }
  if (error != std::errc{} || !std::isfinite(value)) return {};
  return value;
}

}  // namespace quartic::io
