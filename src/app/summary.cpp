#include "summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data_sources.hpp"
#include "quartic/app/config.hpp"
#include "quartic/core/figures.hpp"
#include "quartic/io/trace_rows.hpp"

namespace quartic::app {
namespace {

using engine::ObjectiveRow;

std::vector<ObjectiveRow> evaluations(std::filesystem::path const& folder,
                                      std::string const& table) {
  std::vector<ObjectiveRow> all;
  io::read_rows<ObjectiveRow>(folder, table, [&](std::span<ObjectiveRow const> rows) {
    all.insert(all.end(), rows.begin(), rows.end());
  });
  return all;
}

std::string from_to(std::vector<ObjectiveRow> const& rows) {
  return fmt::format("{} → {}", number(rows.front().value), number(rows.back().value));
}

std::string best(Resolved const& resolved, std::vector<ObjectiveRow> const& rows) {
  auto const smaller = [](ObjectiveRow const& a, ObjectiveRow const& b) {
    return a.value < b.value;
  };
  auto const found = std::min_element(rows.begin(), rows.end(), smaller);
  std::string const value =
      found->value < rows.back().value ? fmt::format(": {}", number(found->value)) : "";
  auto const index = static_cast<std::size_t>(found - rows.begin());
  return fmt::format(" (best at step {}{})", grouped(step_of(resolved, index, *found)), value);
}

std::string rows_evaluated(std::int64_t evaluated, std::int64_t rows) {
  if (evaluated == 0 || evaluated >= rows) return fmt::format("all {} rows", grouped(rows));
  return fmt::format("{} of {} rows", grouped(evaluated), grouped(rows));
}

std::string moments(Config const& config) {
  if (config.evaluate_steps > 0)
    return fmt::format("every {} steps", grouped(config.evaluate_steps));
  if (config.evaluate_updates > 0)
    return fmt::format("every {} block updates", grouped(config.evaluate_updates));
  if (config.evaluate_every > 0)
    return fmt::format("every {:g} units of plan time", config.evaluate_every);
  return "";
}

}  // namespace

std::int64_t step_of(Resolved const& resolved, std::size_t index, ObjectiveRow const& row) {
  Config const& config = resolved.config;
  if (config.evaluate_steps == 0) return mean_steps(resolved, row.block_updates);
  return std::min(static_cast<std::int64_t>(index) * config.evaluate_steps,
                  config.microbatches / config.accumulate);
}

std::int64_t mean_steps(Resolved const& resolved, std::int64_t block_updates) {
  bool const by_one_stage = resolved.rules.updates_one_stage();
  return by_one_stage ? block_updates : block_updates / resolved.config.stages;
}

double units_a_microbatch(Resolved const& resolved) {
  Config const& config = resolved.config;
  return static_cast<double>(config.microbatch_size * resolved.model.labels_a_row *
                             config.averaging.pipelines);
}

std::string unit_of(Resolved const& resolved) {
  return resolved.config.objective == "gpt" ? "tokens" : "rows";
}

std::string evaluation_line(Resolved const& resolved) {
  nn::ModelSpec const& model = resolved.model;
  std::string line =
      fmt::format("evaluation: {}", rows_evaluated(model.evaluated_rows, model.rows));
  if (model.held_out_rows > 0)
    line += fmt::format(" and {} held-out rows", grouped(model.held_out_rows));
  std::string const often = moments(resolved.config);
  return fmt::format("{}, at the start{}{} and at the end", line, often.empty() ? "" : ", ", often);
}

std::string result_line(Resolved const& resolved, std::filesystem::path const& folder,
                        Took const& took) {
  std::vector<std::string> parts;
  if (auto const rows = evaluations(folder, "objective"); !rows.empty())
    parts.push_back(
        fmt::format("{} {}", is_network(resolved.config) ? "loss" : "objective", from_to(rows)));
  if (auto const rows = evaluations(folder, "validation"); !rows.empty())
    parts.push_back(fmt::format("held-out {}{}", from_to(rows), best(resolved, rows)));
  double const seconds = static_cast<double>(took.training_ns) / 1e9;
  std::string time = seconds_text(seconds);
  if (took.evaluation_ns > took.training_ns / 20) {
    time += fmt::format(" of training, {} of evaluation",
                        seconds_text(static_cast<double>(took.evaluation_ns) / 1e9));
  }
  parts.push_back(std::move(time));
  parts.push_back(fmt::format(
      "{} {}/s",
      rate(static_cast<double>(took.microbatches) * units_a_microbatch(resolved) / seconds),
      unit_of(resolved)));
  return fmt::format("{}", fmt::join(parts, " · "));
}

}  // namespace quartic::app
