#include "quartic/app/run_settings.hpp"

#include <algorithm>

#include "quartic/app/stop_signal.hpp"

namespace quartic::app {
namespace {

template <class Row>
constexpr auto row_bytes = static_cast<std::int64_t>(sizeof(Row));

/// The updates of each replica of a stage.
std::int64_t updates_in_all(Resolved const& resolved) {
  Config const& config = resolved.config;
  return config.microbatches / (config.accumulate * resolved.rules.replicas);
}

}  // namespace

std::int64_t expected_trace_bytes(Config const& config) {
  std::int64_t const passes = config.microbatches * config.stages * config.averaging.pipelines;
  std::int64_t const events = config.trace_events ? 2 * row_bytes<engine::EventRow> : 0;
  std::int64_t const samples =
      config.trace_stale_read > 0 ? config.microbatches / config.trace_stale_read : 0;
  return passes / config.trace_every * row_bytes<engine::StepRow> + passes * events +
         samples * (config.stages + 1) * row_bytes<engine::StaleReadRow> + (std::int64_t{1} << 20);
}

engine::RunSettings run_settings(Resolved const& resolved) {
  Config const& config = resolved.config;
  engine::RunSettings settings;
  settings.averaging = config.averaging;
  settings.stage = {.stages = config.stages,
                    .microbatches = config.microbatches,
                    .microbatch_size = config.microbatch_size,
                    .microbatches_an_epoch = resolved.microbatches_an_epoch,
                    .gradient_scale = 1 / static_cast<double>(config.accumulate),
                    .gradient_noise = config.gradient_noise,
                    .learning_rate = {config.optimizer.learning_rate, config.decay, config.warmup,
                                      updates_in_all(resolved)},
                    .seed = config.seed,
                    .pipelines = config.averaging.pipelines,
                    .displacement_every = config.trace_displacement,
                    .stale_read_every = config.trace_stale_read,
                    .events = config.trace_events,
                    .optimizer = config.optimizer};
  settings.snapshots = {
      static_cast<plan::Ticks>(config.evaluate_every * static_cast<double>(plan::ticks_per_unit)),
      config.evaluate_updates, config.evaluate_steps};
  settings.checkpoints = checkpoint_settings(config);
  settings.checkpoints.stops = told_to_stop;
  settings.order = config.order;
  if (config.gpu_aware_mpi) settings.journey = engine::Journey::direct;
  constexpr double ns_a_second = 1e9;
  constexpr double longest = 1e9;  // seconds
  settings.patience_ns =
      static_cast<std::int64_t>(std::min(config.patience, longest) * ns_a_second);
  settings.trace_every = config.trace_every;
  return settings;
}

}  // namespace quartic::app
