#pragma once

#include <memory>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/plan/cost.hpp"

namespace quartic::engine {

/// What `--cost measured` finds: seconds of a forward and of both halves of a backward of one
/// hosted stage, the medians of a few passes over the first microbatch with its start weights, run
/// alone.
template <class T>
plan::Cost::Measured measure_stage(nn::Block<T>& block, std::int64_t microbatch_size,
                                   std::uint64_t seed);

/// Collective. The measured costs of all stages, in the text form of `--cost`; the same on every
/// rank.
template <class T>
std::string measured_costs(comm::Communicator& communicator, Hosting const& hosting,
                           std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                           std::int64_t microbatch_size, std::uint64_t seed);

}  // namespace quartic::engine
