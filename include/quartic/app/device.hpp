#pragma once

#include <string>

#include "quartic/comm/communicator.hpp"

namespace quartic::app {

/// Refuses a --device on which this process cannot compute: UsageError. Never a silent run on the
/// host.
void require_device(std::string const& device);

/// Collective. What `quartic info` says of devices: those of rank 0's node, and which one each rank
/// would take.
std::string device_report(comm::Communicator& communicator);

}  // namespace quartic::app
