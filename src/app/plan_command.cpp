#include <fmt/core.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "quartic/app/command_line.hpp"
#include "quartic/app/commands.hpp"
#include "quartic/app/environment.hpp"
#include "quartic/app/run_folder.hpp"
#include "quartic/app/setup.hpp"
#include "quartic/core/check.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/method/registry.hpp"
#include "quartic/plan/print.hpp"
#include "quartic/plan/statistics.hpp"
#include "schedule_check.hpp"

namespace quartic::app {
namespace {

using nlohmann::ordered_json;

/// Long enough for a steady state (plan::steady_window).
std::int64_t default_microbatches(Config const& config) {
  bool const sampled = method::find_method(config.method).updates_one_stage;
  return std::int64_t{8} * config.stages * (sampled ? config.stages : config.accumulate);
}

ordered_json spread(plan::Spread const& values) {
  return {{"min", values.min()}, {"mean", values.mean()}, {"max", values.max()}};
}

ordered_json per_stage(plan::WindowStatistics const& window) {
  ordered_json stages = ordered_json::array();
  for (plan::StageStatistics const& stage : window.stages) {
    stages.push_back({{"staleness", spread(stage.staleness)},
                      {"drift", spread(stage.drift)},
                      {"delay_own", spread(stage.delay_own)},
                      {"delay_oldest", spread(stage.delay_oldest)},
                      {"weight_copies", stage.weight_copies.max()},
                      {"activations", stage.activations.max()}});
  }
  return stages;
}

std::string json(Config const& config, plan::Statistics const& statistics) {
  plan::WindowStatistics const steady = statistics.steady();
  plan::WindowStatistics const whole = statistics.whole();
  ordered_json const plan{
      {"method", config.method},
      {"stages", config.stages},
      {"makespan", plan::to_units(statistics.makespan())},
      {"bubble", statistics.bubble()},
      {"delay_mean", steady.delay_mean.mean()},
      {"steady", {{"utilisation", steady.utilisation}}},
      {"per_stage", per_stage(steady)},
      {"whole", {{"utilisation", whole.utilisation}, {"per_stage", per_stage(whole)}}}};
  return plan.dump(2) + "\n";
}

engine::StepRow row_of(plan::PlannedStep const& step) {
  engine::StepRow row;
  row.microbatch = step.microbatch;
  row.minibatch = step.minibatch;
  row.replica = step.replica;
  row.version_forward = step.version_forward;
  row.version_backward = step.version_backward;
  row.version_applied = step.version_applied;
  row.staleness = step.version_applied - step.version_forward;
  row.drift = step.version_backward - step.version_forward;
  row.delay_own = step.delay_own;
  row.delay_oldest = step.delay_oldest;
  row.plan_forward = plan::to_units(step.begin_forward);
  row.plan_backward = plan::to_units(step.begin_backward);
  row.weight_copies = step.weight_copies;
  row.activations = step.activations;
  return row;
}

/// The run folder of a plan: a trace with the plan's columns, the measured ones undefined.
class PlanTrace {
 public:
  PlanTrace(comm::Communicator& communicator, Config const& config, plan::Rules const& rules,
            std::string const& unit)
      : folder_(config.out) {
    folder_.begin(config.overwrite, false, 0);
    io::RunInfo info{config.method, config.stages, 1, 1, unit, false, 0, 0, {}};
    info.rank_rows = describe_ranks(communicator);
    info.attributes = environment(communicator, info.rank_rows);
    describe(config, rules, info);
    std::vector<engine::StageInfo> stages;
    stages.reserve(static_cast<std::size_t>(config.stages));
    for (int stage = 0; stage < config.stages; ++stage) stages.push_back({0, stage, 0, 0, 0});
    folder_.write_config(config_text(config));
    io::write_master(folder_.path(), info, stages);
    shard_.emplace(folder_.path(), 0, stages, info);
    shard_->ranks(info.rank_rows);
    recorder_.emplace(*shard_, config.stages, 1);
  }

  void add(std::span<plan::PlannedStep const> steps) {
    for (plan::PlannedStep const& step : steps) recorder_->step(step.stage, row_of(step));
  }

  void close() {
    recorder_->flush();
    shard_->close();
    io::gather(folder_.path(), true);
    folder_.keep();
  }

 private:
  RunFolder folder_;
  std::optional<io::TraceShard> shard_;
  std::optional<engine::Recorder> recorder_;
};

void make_plan(comm::Communicator& communicator, Config const& config) {
  if (config.cost == "measured")
    usage_error(
        "--cost measured: needs a model to measure, and quartic plan has none; use quartic run");
  plan::Rules const rules = rules_of(config, config.microbatches);
  plan::Cost const cost = plan::Cost::parse(config.cost, config.stages, config.seed);
  if (config.print_config) return fmt::print("{}", config_text(config));
  plan::Statistics statistics(rules);
  plan::Grid grid(rules);
  plan::Csv csv(rules);
  std::optional<PlanTrace> trace;
  if (!config.out.empty()) trace.emplace(communicator, config, rules, cost.unit());
  plan::Planner planner(rules, cost);
  while (plan::Decision const* planned = planner.next()) {
    statistics.add(*planned, planner.applied());
    if (config.format == "grid") grid.add(*planned);
    if (config.format == "csv") csv.add(*planned);
    if (trace) trace->add(planner.applied());
  }
  if (trace) trace->close();
  if (config.format == "grid") fmt::print("{}", grid.text());
  if (config.format == "csv") fmt::print("{}", csv.text());
  if (config.format == "json") fmt::print("{}", json(config, statistics));
  if (config.format == "table") fmt::print("{}", plan::table(statistics, cost.unit()));
}

}  // namespace

int plan_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (communicator.size() > 1)
    usage_error("quartic plan runs in one process; start it without mpirun");
  Config config = parse(Command::plan, arguments);
  if (!config.check.empty()) {
    check_schedule_file(config);
    return 0;
  }
  resolve_method(config);
  if (config.microbatches == 0) config.microbatches = default_microbatches(config);
  if (config.microbatches > largest_run)
    usage_error(
        "--accumulate {}: the default of --microbatches would be too large; give --microbatches, "
        "at most {}",
        config.accumulate, largest_run);
  make_plan(communicator, config);
  return 0;
}

}  // namespace quartic::app
