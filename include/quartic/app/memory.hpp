#pragma once

#include <memory>
#include <span>
#include <vector>

#include "quartic/app/setup.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/engine/records.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/cut.hpp"
#include "quartic/plan/peaks.hpp"

/// What a run will take of the machine, refused before it starts where it cannot fit.
namespace quartic::app {

/// What each stage holds at most in the beginning of the plan: weights, with gradient, optimizer
/// state and what transforms keep counted as copies; and microbatches.
std::vector<nn::StageHolds> held_by_stages(Resolved const& resolved);

/// UsageError for generated data larger than the memory that is free. (Files were on a disk; what
/// is generated may be of any size.)
void require_memory_for_data(Config const& config, DataShape const& shape);

/// What this rank's stages will hold at most, by the plan and the options: the planned columns of
/// its row of /memory. `peaks` by stage.
template <class T>
engine::MemoryRow planned_memory(Resolved const& resolved, std::span<plan::StagePeak const> peaks,
                                 std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                                 engine::Hosting const& hosting);

/// Collective. UsageError when what the ranks of a node have planned does not fit into its memory.
void require_memory(comm::Communicator& communicator, engine::MemoryRow const& planned);

}  // namespace quartic::app
