#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "quartic/app/config.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/io/data.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::app {

/// A run's configuration with everything that depends on its data and method filled in, and
/// checked.
struct Resolved {
  Config config;
  io::DataSource source;
  std::optional<io::DataSource> held_out;  ///< where --validation is a file
  nn::ModelSpec model;
  std::int64_t microbatches_an_epoch = 1;
  plan::Rules rules;
};

/// Fills in the defaults that depend on the method: --accumulate and the method's own options.
/// UsageError for options that the method does not know.
void resolve_method(Config& config);

/// Reads the data's shape, and checks the configuration against it and the number of ranks.
Resolved resolve(Config config, int ranks);

/// The rules of the resolved method, for data of so many microbatches an epoch.
plan::Rules rules_of(Config const& config, std::int64_t microbatches_an_epoch);

/// Whether a longer run does the same up to where this one ends: not where the learning rate
/// depends on the length.
bool can_become_longer(Config const& config, plan::Rules const& rules);

/// What a trace says of a run's configuration and plan.
void describe(Config const& config, plan::Rules const& rules, io::RunInfo& info);

/// The blocks of this rank's seats, with their data.
template <class T>
std::vector<std::unique_ptr<nn::Block<T>>> make_blocks(Resolved const& resolved,
                                                       engine::Hosting const& hosting);

}  // namespace quartic::app
