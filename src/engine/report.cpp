#include "quartic/engine/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "quartic/core/figures.hpp"

namespace quartic::engine {
namespace {

std::int64_t computing_ns(StageTotals const& totals) {
  return totals.forward_ns + totals.backward_ns + totals.update_ns;
}

std::string mean_and_max(std::int64_t sum, std::int64_t count, std::int64_t largest) {
  if (count == 0) return "-";
  return fmt::format("{:.2f}, {}", static_cast<double>(sum) / static_cast<double>(count), largest);
}

/// All in the unit of the largest.
std::string memory_text(MemoryRow const& peak) {
  std::int64_t const largest =
      std::max({peak.weights_bytes, peak.stashes_bytes, peak.activations_bytes});
  struct Unit {
    char const* name;
    double bytes;
  };
  Unit const unit = largest < 10'000'000       ? Unit{"kB", 1e3}
                    : largest < 10'000'000'000 ? Unit{"MB", 1e6}
                                               : Unit{"GB", 1e9};
  auto const in_unit = [&](std::int64_t bytes) { return static_cast<double>(bytes) / unit.bytes; };
  return fmt::format("{:.1f} {} of weights, {:.1f} {} of stashed weights, {:.1f} {} of activations",
                     in_unit(peak.weights_bytes), unit.name, in_unit(peak.stashes_bytes), unit.name,
                     in_unit(peak.activations_bytes), unit.name);
}

/// "3", or "1:3" for stage 3 of pipeline 1.
std::string name(Seat seat) {
  if (seat.pipeline == 0) return fmt::format("{}", seat.stage);
  return fmt::format("{}:{}", seat.pipeline, seat.stage);
}

/// The columns of the table, each with the width of its heading.
constexpr std::array columns{"stage",  "forward",      "backward",
                             "update", "waits: input", "waits: gradient",
                             "other",  "  staleness",  "      drift"};

void append_row(fmt::memory_buffer& out, std::array<std::string, columns.size()> const& cells) {
  for (std::size_t i = 0; i < columns.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{}{:>{}}", i == 0 ? "" : "  ", cells[i],
                   std::string_view(columns[i]).size());
  out.push_back('\n');
}

void append_line(fmt::memory_buffer& out, StageReport const& report) {
  StageTotals const& totals = report.totals;
  auto const share = [&](std::int64_t ns) {
    return fmt::format("{:.1f}",
                       100 * static_cast<double>(ns) / static_cast<double>(report.wall_ns));
  };
  std::int64_t const rest =
      report.wall_ns - computing_ns(totals) - totals.wait_activations_ns - totals.wait_gradients_ns;
  append_row(out, {name(report.seat), share(totals.forward_ns), share(totals.backward_ns),
                   share(totals.update_ns), share(totals.wait_activations_ns),
                   share(totals.wait_gradients_ns), share(rest),
                   mean_and_max(totals.staleness_sum, totals.steps, totals.staleness_max),
                   mean_and_max(totals.drift_sum, totals.steps, totals.drift_max)});
}

/// The rank that they have cost most.
void append_line(fmt::memory_buffer& out, std::vector<CheckpointTotals> const& ranks) {
  auto const less = [](CheckpointTotals const& a, CheckpointTotals const& b) {
    return a.stopped_ns < b.stopped_ns;
  };
  auto const most = std::max_element(ranks.begin(), ranks.end(), less);
  if (most == ranks.end() || most->count == 0) return;
  double const stopped = static_cast<double>(most->stopped_ns) / 1e9;
  fmt::format_to(std::back_inserter(out),
                 "checkpoints: {}, training stopped for {:.3f} s, {:.3f} s each\n", most->count,
                 stopped, stopped / static_cast<double>(most->count));
}

/// Returns the mean time of a forward or backward, over all stages.
double mean_pass_ns(std::vector<StageReport> const& stages) {
  std::int64_t ns = 0;
  std::int64_t passes = 0;
  for (StageReport const& stage : stages) {
    ns += stage.totals.forward_ns + stage.totals.backward_ns;
    passes += 2 * stage.totals.steps;
  }
  return passes == 0 ? 0 : static_cast<double>(ns) / static_cast<double>(passes);
}

}  // namespace

double RunReport::measured_bubble() const {
  if (memory.size() != stages.size()) return undefined;
  double busy = 0;
  for (StageReport const& stage : stages) {
    busy += static_cast<double>(computing_ns(stage.totals)) / static_cast<double>(stage.wall_ns);
  }
  return 1 - busy / static_cast<double>(stages.size());
}

/// The measured bubble, or why there is none, or why it says little of the method.
std::string RunReport::measured_text() const {
  constexpr double short_pass_ns = 100'000;
  double const measured = measured_bubble();
  if (std::isnan(measured)) {
    return fmt::format(
        "not measured: {} stages share {}", stages.size(),
        memory.size() == 1 ? "one process" : fmt::format("{} processes", memory.size()));
  }
  std::string text = fmt::format("{:.1f} % measured", 100 * measured);
  if (shares_cores) return text + ", but this is unreliable: there are more processes than cores";
  if (double const pass_ns = mean_pass_ns(stages); pass_ns < short_pass_ns) {
    text +=
        fmt::format(", but this is unreliable: a pass takes {:.0f} µs, hardly more than a message",
                    pass_ns / 1e3);
  }
  return text;
}

std::string RunReport::text() const {
  fmt::memory_buffer out;
  double const wall_s = stages.empty() ? 0 : static_cast<double>(stages.front().wall_ns) / 1e9;
  fmt::format_to(std::back_inserter(out),
                 "Time of each stage in % of {}; staleness and drift in updates (mean, max):\n",
                 seconds_text(wall_s));
  std::array<std::string, columns.size()> headings;
  std::copy(columns.begin(), columns.end(), headings.begin());
  append_row(out, headings);
  for (StageReport const& stage : stages) append_line(out, stage);
  if (!std::isnan(planned_bubble))
    fmt::format_to(std::back_inserter(out), "bubble: {:.1f} % planned, {}\n", 100 * planned_bubble,
                   measured_text());
  else
    fmt::format_to(std::back_inserter(out), "bubble: no plan, {}\n", measured_text());
  MemoryRow peak;
  for (MemoryRow const& row : memory) {
    peak.weights_bytes += row.weights_bytes;
    peak.stashes_bytes += row.stashes_bytes;
    peak.activations_bytes += row.activations_bytes;
  }
  fmt::format_to(std::back_inserter(out), "peak memory of all stages: {}\n", memory_text(peak));
  append_line(out, checkpoints);
  if (out.size() > 0) out.resize(out.size() - 1);  // the last line ends where it is printed
  return fmt::to_string(out);
}

}  // namespace quartic::engine
