#include "quartic/app/memory.hpp"

#include "quartic/app/environment.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/memory.hpp"

namespace quartic::app {
namespace {

double gigabytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

/// Blocks of weights that a stage keeps besides the versions: the gradient, its noise, the
/// optimizers' states, bent weights and mean updates, the mean of replicas, the outer step of
/// pipeline 0.
std::int64_t other_blocks(Config const& config, plan::Rules const& rules,
                          plan::StagePeak const& peak, engine::Seat seat) {
  auto const states = static_cast<int>(nn::state_names(config.optimizer.name).size());
  int const mean_update = rules.versions->mean_decay(seat.stage) >= 0 ? 2 * rules.replicas : 0;
  bool const compensates = rules.updates->correction(seat.stage).compensation != 0;
  int const own_gradient = compensates && seat.stage + 1 < config.stages ? 1 : 0;
  int const noise = config.gradient_noise > 0 ? 1 : 0;
  int const mean = rules.replicas > 1 ? 1 : 0;
  bool const steps = config.averaging.has_outer_step() && seat.pipeline == 0;
  int const outer = steps ? 2 * rules.replicas : 0;
  return 1 + noise + states * rules.replicas + peak.bent + mean_update + own_gradient + mean +
         outer;
}

}  // namespace

std::vector<nn::StageHolds> held_by_stages(Resolved const& resolved) {
  Config const& config = resolved.config;
  std::string const cost = config.cost == "measured" ? "real" : config.cost;
  auto const peaks =
      plan::peaks(resolved.rules, plan::Cost::parse(cost, config.stages, config.seed));
  std::vector<nn::StageHolds> holds;
  for (int stage = 0; stage < config.stages; ++stage) {
    plan::StagePeak const& peak = peaks[static_cast<std::size_t>(stage)];
    std::int64_t const others = other_blocks(config, resolved.rules, peak, {0, stage});
    holds.push_back({peak.weight_copies + others, peak.activations});
  }
  return holds;
}

template <class T>
engine::MemoryRow planned_memory(Resolved const& resolved, std::span<plan::StagePeak const> peaks,
                                 std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                                 engine::Hosting const& hosting) {
  engine::MemoryRow row;
  for (std::size_t place = 0; place < hosted.size(); ++place) {
    engine::Seat const seat = hosting.seats()[place];
    plan::StagePeak const& peak = peaks[static_cast<std::size_t>(seat.stage)];
    nn::Sizes const sizes = hosted[place]->sizes(resolved.config.microbatch_size);
    auto const bytes = [](std::int64_t elements) {
      return elements * static_cast<std::int64_t>(sizeof(T));
    };
    std::int64_t const weights = bytes(hosted[place]->parameter_count());
    row.planned_weights_bytes += weights;
    row.planned_stashes_bytes += weights * (peak.weight_copies - 1);
    row.planned_activations_bytes += bytes(peak.activations * (sizes.saved + sizes.input));
    row.planned_buffers_bytes +=
        weights * other_blocks(resolved.config, resolved.rules, peak, seat) +
        bytes(peak.flows * sizes.flow);
  }
  return row;
}

void require_memory_for_data(Config const& config, DataShape const& shape) {
  if (!config.data.starts_with("generate:")) return;
  std::int64_t const number_bytes = config.precision == "float" ? sizeof(float) : sizeof(double);
  std::int64_t const needed = shape.rows * shape.features * number_bytes;
  if (needed > available_memory_bytes()) {
    usage_error("{}: {} rows of {} features need {:.3g} GB, but {:.3g} GB are free: {}",
                config.data, shape.rows, shape.features, gigabytes(needed),
                gigabytes(available_memory_bytes()), tightest_memory_limit());
  }
}

void require_memory(comm::Communicator& communicator, engine::MemoryRow const& planned) {
  if (!compute::computes_on_host()) return;  // a device says itself when it is full
  std::int64_t const mine = planned.planned_weights_bytes + planned.planned_stashes_bytes +
                            planned.planned_activations_bytes + planned.planned_buffers_bytes;
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
        "the stages on {} need about {:.3g} GB for weights, stashes and activations, but {:.3g} GB "
        "are free ({}); use more nodes, a smaller --microbatch-size, or a method with fewer copies "
        "(see `quartic methods`)",
        comm::Communicator::host(), gigabytes(needed), gigabytes(available),
        tightest_memory_limit());
  });
}

template engine::MemoryRow planned_memory<float>(
    Resolved const&, std::span<plan::StagePeak const>,
    std::vector<std::unique_ptr<nn::Block<float>>> const&, engine::Hosting const&);
template engine::MemoryRow planned_memory<double>(
    Resolved const&, std::span<plan::StagePeak const>,
    std::vector<std::unique_ptr<nn::Block<double>>> const&, engine::Hosting const&);

}  // namespace quartic::app
