#pragma once

#include <cstddef>
#include <string>

#include "quartic/io/columns.hpp"

namespace quartic::io {

/// Two values in words: "0.25 and 0.5", of floating-point numbers also how many units in the last
/// place lie between them, of NaN the bits.
std::string both_values(Kind kind, std::byte const* left, std::byte const* right);
std::string both_values(double left, double right);
std::string both_values(float left, float right);

}  // namespace quartic::io
