#include "quartic/app/memory.hpp"

#include <algorithm>
#include <map>

#include "quartic/app/environment.hpp"
#include "quartic/core/check.hpp"
#include "quartic/plan/planner.hpp"
#include "quartic/plan/statistics.hpp"

namespace quartic::app {
namespace {

double gigabytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

/// What the stages hold at most in the beginning of the plan, which reaches the steady state but
/// for hundreds of stages, and takes milliseconds.
plan::WindowStatistics beginning_of_plan(Resolved const& resolved) {
  constexpr int actions = 50'000;
  Config const& config = resolved.config;
  std::string const cost = config.cost == "measured" ? "real" : config.cost;
  plan::Cost const costs = plan::Cost::parse(cost, config.stages, config.seed);
  plan::Statistics statistics(resolved.rules);
  plan::Planner planner(resolved.rules, costs);
  for (int i = 0; i < actions; ++i) {
    plan::PlannedAction const* const planned = planner.next();
    if (planned == nullptr) break;
    statistics.add(*planned, planner.applied());
  }
  return statistics.whole();
}

/// The largest of the values, or `least` where there was none.
std::int64_t largest(plan::Spread const& values, std::int64_t least) {
  return values.count() == 0 ? least : static_cast<std::int64_t>(values.max());
}

template <class T>
std::int64_t bytes_of(nn::Block<T> const& block, std::int64_t microbatch_size,
                      nn::StageHolds holds) {
  nn::Sizes const sizes = block.sizes(microbatch_size);
  std::int64_t const activations = holds.activations * (sizes.input + sizes.saved + sizes.flow);
  std::int64_t const messages = 4 * (sizes.input + sizes.output);
  std::int64_t const elements = block.parameter_count() * holds.copies + activations + messages;
  return elements * static_cast<std::int64_t>(sizeof(T));
}

/// Blocks of weights besides the versions: the gradient, the optimizers' states, what transforms,
/// the mean of replicas and the outer step keep.
std::int64_t other_blocks(Config const& config, plan::Rules const& rules) {
  using Kind = plan::Transform::Kind;
  std::map<std::string, int> const states{
      {"sgd", 0}, {"momentum", 1}, {"nesterov-momentum", 1}, {"adamw", 2}, {"nadam", 2}};
  std::map<Kind, int> const bent{
      {Kind::none, 0}, {Kind::blend, 1}, {Kind::correct, 3}, {Kind::predict, 1}};
  int const mean = rules.replicas > 1 ? 1 : 0;
  int const outer = config.averaging.has_outer_step() ? 2 * rules.replicas : 0;
  return 1 + states.at(config.optimizer.name) * rules.replicas + bent.at(rules.transform.kind) +
         mean + outer;
}

}  // namespace

std::vector<nn::StageHolds> held_by_stages(Resolved const& resolved) {
  std::int64_t const others = other_blocks(resolved.config, resolved.rules);
  std::vector<nn::StageHolds> holds;
  for (plan::StageStatistics const& stage : beginning_of_plan(resolved).stages) {
    holds.push_back({largest(stage.weight_copies, resolved.rules.replicas) + others,
                     largest(stage.activations, 1)});
  }
  return holds;
}

void require_memory_for_data(Config const& config, DataShape const& shape) {
  if (!config.data.starts_with("generate:")) return;
  std::int64_t const number_bytes = config.precision == "float" ? sizeof(float) : sizeof(double);
  std::int64_t const needed = shape.rows * shape.features * number_bytes;
  if (needed > available_memory_bytes()) {
    usage_error("{}: {} rows of {} features take {:.3g} GB and {:.3g} GB are free", config.data,
                shape.rows, shape.features, gigabytes(needed), gigabytes(available_memory_bytes()));
  }
}

template <class T>
void require_memory(comm::Communicator& communicator, Resolved const& resolved,
                    std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                    engine::Hosting const& hosting) {
  auto const holds = held_by_stages(resolved);
  std::int64_t mine = 0;
  for (std::size_t place = 0; place < hosted.size(); ++place) {
    auto const stage = static_cast<std::size_t>(hosting.seats()[place].stage);
    mine += bytes_of(*hosted[place], resolved.config.microbatch_size, holds[stage]);
  }
  auto const hosts = communicator.gather(comm::Communicator::host());
  auto const needs = communicator.gather(std::to_string(mine));
  std::int64_t needed = 0;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    if (hosts[rank] == comm::Communicator::host()) needed += std::stoll(needs[rank]);
  }
  comm::agree(communicator, [&] {
    std::int64_t const available = available_memory_bytes();
    if (needed <= available) return;
    usage_error(
        "the stages on {} need about {:.3g} GB for weights, stashes and activations and {:.3g} GB "
        "are free; use more nodes, a smaller --microbatch-size, or a method with fewer copies "
        "(quartic methods)",
        comm::Communicator::host(), gigabytes(needed), gigabytes(available));
  });
}

template void require_memory<float>(comm::Communicator&, Resolved const&,
                                    std::vector<std::unique_ptr<nn::Block<float>>> const&,
                                    engine::Hosting const&);
template void require_memory<double>(comm::Communicator&, Resolved const&,
                                     std::vector<std::unique_ptr<nn::Block<double>>> const&,
                                     engine::Hosting const&);

}  // namespace quartic::app
