#include "quartic/app/cut.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "data_sources.hpp"
#include "quartic/app/memory.hpp"
#include "quartic/core/check.hpp"
#include "quartic/engine/calibration.hpp"
#include "quartic/nn/cut.hpp"

namespace quartic::app {
namespace {

std::int64_t element_bytes(Config const& config) {
  return config.precision == "float" ? sizeof(float) : sizeof(double);
}

/// Every unit as a stage of its own, timed on this rank.
template <class T>
std::vector<double> measured_seconds(Resolved const& resolved, std::int64_t units) {
  nn::ModelSpec spec = resolved.model;
  spec.stages = static_cast<int>(units);
  spec.cut = nn::even_cut(units, spec.stages);
  Dataset<T> const data = resolved.source.template load<T>({0, spec.features});
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(spec.stages));
  for (int unit = 0; unit < spec.stages; ++unit) {
    auto const block = nn::make_block<T>(spec, unit, data, {0, spec.features});
    auto const cost =
        engine::measure_stage(*block, resolved.config.microbatch_size, resolved.config.seed);
    seconds.push_back(cost.forward + cost.backward_input + cost.backward_weight);
  }
  return seconds;
}

std::vector<double> counted_flops(std::vector<nn::UnitSize> const& units) {
  std::vector<double> flops;
  flops.reserve(units.size());
  for (nn::UnitSize const& unit : units) flops.push_back(unit.flops);
  return flops;
}

/// Broadcasts rank 0's measurements: seconds of each unit.
std::vector<double> measured_on_rank_0(comm::Communicator& communicator, Resolved const& resolved,
                                       std::int64_t units) {
  std::vector<double> seconds;
  if (communicator.rank() == 0) {
    seconds = resolved.config.precision == "float" ? measured_seconds<float>(resolved, units)
                                                   : measured_seconds<double>(resolved, units);
  }
  std::string const text = communicator.broadcast(fmt::format("{}", fmt::join(seconds, " ")), 0);
  std::vector<double> all;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t length = 0;
    all.push_back(std::stod(text.substr(begin), &length));
    begin += length;
  }
  return all;
}

}  // namespace

void resolve_cut(comm::Communicator& communicator, Resolved& resolved) {
  Config& config = resolved.config;
  if (!is_network(config)) return;
  auto const units = nn::unit_sizes(resolved.model);
  auto const count = std::ssize(units);
  std::vector<std::int64_t>& cut = resolved.model.cut;
  if (config.cut == "even") cut = nn::even_cut(count, config.stages);
  if (config.cut == "counted" || config.cut == "measured") {
    auto const costs = config.cut == "measured" ? measured_on_rank_0(communicator, resolved, count)
                                                : counted_flops(units);
    comm::agree(communicator, [&] {
      cut = nn::best_cut(costs, units, held_by_stages(resolved),
                         {config.memory_bound, element_bytes(config)});
    });
  }
  config.cut = fmt::format("{}", fmt::join(cut, ","));
}

std::string cut_table(Resolved const& resolved) {
  Config const& config = resolved.config;
  if (!is_network(config)) return {};
  auto const units = nn::unit_sizes(resolved.model);
  auto const flops = counted_flops(units);
  double const all = std::accumulate(flops.begin(), flops.end(), 0.0);
  std::string table =
      fmt::format("{:>5} {:<44} {:>11} {:>9} {:>10} {:>12} {:>6}\n", "stage", "layers",
                  "parameters", "GFLOP", "weights MB", "activ. MB", "share%");
  for (int stage = 0; stage < config.stages; ++stage) {
    Part const part = nn::units_of_stage(resolved.model.cut, std::ssize(units), stage);
    auto const own = std::span(units).subspan(static_cast<std::size_t>(part.first),
                                              static_cast<std::size_t>(part.size));
    std::int64_t parameters = 0;
    std::int64_t saved = own.front().input;
    double work = 0;
    for (nn::UnitSize const& unit : own) {
      parameters += unit.parameters;
      saved += unit.saved;
      work += unit.flops;
    }
    double const megabytes = 1e-6 * static_cast<double>(element_bytes(config));
    std::string const names =
        part.size == 1 ? own.front().name : own.front().name + " .. " + own.back().name;
    table +=
        fmt::format("{:>5} {:<44} {:>11} {:>9.3g} {:>10.4g} {:>12.4g} {:>6.1f}\n", stage, names,
                    parameters, 3e-9 * work, megabytes * static_cast<double>(parameters),
                    megabytes * static_cast<double>(saved), 100 * work / all);
  }
  return table;
}

}  // namespace quartic::app
