#include "quartic/engine/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace quartic::engine {
namespace {

std::int64_t computing_ns(StageTotals const& totals) {
  return totals.forward_ns + totals.backward_ns + totals.update_ns;
}

std::string mean_and_max(std::int64_t sum, std::int64_t count, std::int64_t largest) {
  if (count == 0) return "-";
  return fmt::format("{:.2f} / {}", static_cast<double>(sum) / static_cast<double>(count), largest);
}

std::string human(std::int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

/// "3", or "1:3" for stage 3 of pipeline 1.
std::string name(Seat seat) {
  if (seat.pipeline == 0) return fmt::format("{}", seat.stage);
  return fmt::format("{}:{}", seat.pipeline, seat.stage);
}

void append_line(fmt::memory_buffer& out, StageReport const& report) {
  StageTotals const& totals = report.totals;
  auto const share = [&](std::int64_t ns) {
    return 100 * static_cast<double>(ns) / static_cast<double>(report.wall_ns);
  };
  std::int64_t const rest =
      report.wall_ns - computing_ns(totals) - totals.wait_activations_ns - totals.wait_gradients_ns;
  fmt::format_to(std::back_inserter(out),
                 "{:>5} {:>8.1f} {:>9.1f} {:>7.1f} {:>12.1f} {:>11.1f} {:>7.1f} {:>20} {:>16}\n",
                 name(report.seat), share(totals.forward_ns), share(totals.backward_ns),
                 share(totals.update_ns), share(totals.wait_activations_ns),
                 share(totals.wait_gradients_ns), share(rest),
                 mean_and_max(totals.staleness_sum, totals.steps, totals.staleness_max),
                 mean_and_max(totals.drift_sum, totals.steps, totals.drift_max));
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

}  // namespace

double RunReport::measured_bubble() const {
  if (memory.size() != stages.size()) return undefined;
  double busy = 0;
  for (StageReport const& stage : stages) {
    busy += static_cast<double>(computing_ns(stage.totals)) / static_cast<double>(stage.wall_ns);
  }
  return 1 - busy / static_cast<double>(stages.size());
}

std::string RunReport::text() const {
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out),
                 "{:>5} {:>8} {:>9} {:>7} {:>12} {:>11} {:>7} {:>20} {:>16}\n", "stage", "forward%",
                 "backward%", "update%", "wait-activ.%", "wait-grad.%", "rest%",
                 "staleness mean/max", "drift mean/max");
  for (StageReport const& stage : stages) append_line(out, stage);
  double const measured = measured_bubble();
  fmt::format_to(
      std::back_inserter(out), "bubble: planned {:.3f}, measured {}\n", planned_bubble,
      std::isnan(measured) ? "- (stages share a rank)" : fmt::format("{:.3f}", measured));
  MemoryRow peak;
  for (MemoryRow const& row : memory) {
    peak.weights_bytes += row.weights_bytes;
    peak.stashes_bytes += row.stashes_bytes;
    peak.activations_bytes += row.activations_bytes;
  }
  fmt::format_to(
      std::back_inserter(out), "peak over all ranks: weights {}, stashes {}, activations {}\n",
      human(peak.weights_bytes), human(peak.stashes_bytes), human(peak.activations_bytes));
  append_line(out, checkpoints);
  return fmt::to_string(out);
}

}  // namespace quartic::engine
