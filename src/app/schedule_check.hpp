#pragma once

#include "quartic/app/config.hpp"

namespace quartic::app {

/// `quartic plan --check`: prints makespan, bubble, activations and buffers of the schedule file
/// under
/// --cost. UsageError, with the file's name, when it cannot be read or its schedule carried out.
void check_schedule_file(Config const& config);

}  // namespace quartic::app
