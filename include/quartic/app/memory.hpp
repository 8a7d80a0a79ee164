#pragma once

#include <memory>
#include <vector>

#include "quartic/app/setup.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/cut.hpp"

/// What a run will take of the machine, refused before it starts where it cannot fit.
namespace quartic::app {

/// What each stage holds at most in the beginning of the plan: weights, with gradient, optimizer
/// state and what transforms keep counted as copies; and microbatches.
std::vector<nn::StageHolds> held_by_stages(Resolved const& resolved);

/// UsageError for generated data larger than the memory that is free. (Files were on a disk; what
/// is generated may be of any size.)
void require_memory_for_data(Config const& config, DataShape const& shape);

/// Collective. UsageError when the stages of a node's ranks will not fit into its memory, with the
/// copies and activations of the beginning of the plan.
template <class T>
void require_memory(comm::Communicator& communicator, Resolved const& resolved,
                    std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                    engine::Hosting const& hosting);

}  // namespace quartic::app
