#pragma once

#include <string>

#include "quartic/io/h5.hpp"

namespace quartic::io {

/// What the attribute `gap` of a trace says; empty where the trace has no gap.
std::string gap_of(h5::File const& trace);

}  // namespace quartic::io
