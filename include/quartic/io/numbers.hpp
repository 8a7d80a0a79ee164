#pragma once

#include <optional>
#include <string_view>

namespace quartic::io {

/// The finite number that a word of a text is; one that is too small for a double is 0.
std::optional<double> parse_number(std::string_view word);

}  // namespace quartic::io
