#pragma once

#include <cstdint>

#include "quartic/app/setup.hpp"
#include "quartic/engine/run.hpp"

namespace quartic::app {

/// What the engine is told of a resolved configuration; the plan's memory comes later.
engine::RunSettings run_settings(Resolved const& resolved);

/// About how large the run's trace will be.
std::int64_t expected_trace_bytes(Config const& config);

}  // namespace quartic::app
