#pragma once

#include <string>

#include "quartic/app/setup.hpp"
#include "quartic/comm/communicator.hpp"

namespace quartic::app {

/// Turns --cut even, counted and measured into the first units of stages 1 …, in the configuration
/// and the model. Collective for `measured`, whose times are those of rank 0. UsageError when no
/// cut keeps within --memory-bound.
void resolve_cut(comm::Communicator& communicator, Resolved& resolved);

/// Which units, parameters, operations and bytes each stage of a network has; empty for the linear
/// objectives.
std::string cut_table(Resolved const& resolved);

}  // namespace quartic::app
