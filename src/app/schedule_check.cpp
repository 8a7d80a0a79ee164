#include "schedule_check.hpp"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "quartic/core/check.hpp"
#include "quartic/plan/check_schedule.hpp"
#include "quartic/plan/print.hpp"
#include "quartic/plan/schedule_file.hpp"
#include "values.hpp"

namespace quartic::app {
namespace {

using nlohmann::ordered_json;

/// The whole file or pipe, unless it is larger than any schedule.
std::string read_text(std::string const& path) {
  constexpr std::size_t largest = std::size_t{64} << 20;  // its actions take up to 2 GB
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) usage_error("is a folder; give a schedule file");
  std::ifstream file(path, std::ios::binary);
  if (!file) usage_error("cannot be read");
  std::string text;
  std::array<char, std::size_t{1} << 16> block{};
  while (file.read(block.data(), block.size()), file.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > largest)
      usage_error("is too large for a schedule file; at most {} MiB", largest >> 20);
  }
  if (file.bad()) usage_error("cannot be read");
  return text;
}

std::string json(plan::ScheduleReport const& report) {
  ordered_json stages = ordered_json::array();
  for (plan::StageReport const& stage : report.stages) {
    stages.push_back(
        {{"worker", stage.worker}, {"activations", stage.activations}, {"buffers", stage.buffers}});
  }
  ordered_json const check{{"stages", report.stages.size()},
                           {"workers", report.workers},
                           {"microbatches", report.microbatches},
                           {"makespan", plan::to_units(report.makespan)},
                           {"bubble", report.bubble},
                           {"per_stage", std::move(stages)}};
  return check.dump(2) + "\n";
}

std::string grid(plan::ScheduleFile const& file, std::vector<plan::ActionTimes> const& times,
                 plan::Ticks makespan) {
  constexpr double most_slots = 1e5;
  constexpr double most_cells = 1e7;  // of 32 bytes, and as many letters
  double const slots = plan::to_units(makespan);
  if (slots > most_slots || file.stages() * slots > most_cells)
    usage_error("a grid of {:g} slots and {} stages cannot be drawn; use --format table", slots,
                file.stages());
  plan::Rules const rules{.shape = {.stages = file.stages(), .microbatches = file.microbatches()},
                          .workers = file.workers()};
  plan::Grid grid(rules);
  for (std::size_t number = 0; number < times.size(); ++number) {
    plan::ListedAction const& listed = file.actions()[number];
    grid.add({.action = listed.action,
              .worker = listed.worker,
              .begin = times[number].begin,
              .end = times[number].end});
  }
  return grid.text();
}

std::string checked(Config const& config) {
  plan::ScheduleFile const file(read_text(config.check));
  plan::Cost const cost = plan::Cost::parse(config.cost, file.stages(), config.seed);
  std::vector<plan::ActionTimes> const times = plan::action_times(file, cost);
  plan::ScheduleReport const report = plan::report(file, cost, times);
  if (config.format == "grid") return grid(file, times, report.makespan);
  if (config.format == "json") return json(report);
  return plan::to_text(report, cost.unit());
}

}  // namespace

void check_schedule_file(Config const& config) {
  if (config.format == "csv") refuse_choice("format", "csv", {"table", "grid", "json"});
  if (config.cost == "measured")
    usage_error(
        "--cost measured: needs a model to measure, and a schedule file has none; use other costs");
  std::string text;
  try {
    text = checked(config);
  } catch (UsageError const& error) {
    usage_error("--check {}: {}", config.check, error.what());
  }
  fmt::print("{}", text);
}

}  // namespace quartic::app
