#pragma once

#include <string>
#include <vector>

#include "quartic/app/config.hpp"
#include "quartic/comm/communicator.hpp"

namespace quartic::app {

/// Refuses a --device on which this process cannot compute: UsageError. Never a silent run on the
/// host.
void require_device(Config const& config);

/// Collective; once, before anything is computed. From now on this rank computes where --device
/// says: on a GPU of its node, which the node's ranks take in turn.
void compute_on_device(comm::Communicator& communicator, Config const& config);

/// Collective. The number of the GPU that each rank computes on, or would: "-" where its node has
/// none.
std::vector<std::string> devices_of_ranks(comm::Communicator& communicator);

/// Collective. What `quartic info` says of devices: those of rank 0's node, and which one each rank
/// would take.
std::string device_report(comm::Communicator& communicator);

}  // namespace quartic::app
