#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/trace_rows.hpp"
#include "summary.hpp"

namespace quartic::app {
namespace {

using engine::LossRow;
using engine::ObjectiveRow;

constexpr char const* header =
    "step,block_updates,microbatches,plan_time,wall_s,loss,objective,accuracy,"
    "validation_loss,validation_accuracy";

/// One line: a snapshot, and what was trained since the one before.
struct Line {
  ObjectiveRow objective;
  ObjectiveRow validation;
  std::int64_t microbatches = 0;
  double loss_sum = 0;
  std::int64_t losses = 0;
};

/// On arrival nothing has a plan time.
bool is_before(LossRow const& loss, ObjectiveRow const& snapshot) {
  if (std::isnan(snapshot.plan_time)) return loss.wall_ns <= snapshot.wall_ns;
  return loss.plan_time <= snapshot.plan_time;
}

std::vector<Line> snapshots(std::filesystem::path const& folder) {
  std::vector<Line> lines;
  io::read_rows<ObjectiveRow>(folder, "objective", [&](std::span<ObjectiveRow const> rows) {
    for (ObjectiveRow const& row : rows) lines.push_back({.objective = row, .validation = {}});
  });
  std::size_t next = 0;
  io::read_rows<ObjectiveRow>(folder, "validation", [&](std::span<ObjectiveRow const> rows) {
    for (ObjectiveRow const& row : rows) {
      while (next < lines.size() && lines[next].objective.block_updates < row.block_updates) ++next;
      if (next < lines.size()) lines[next].validation = row;
    }
  });
  return lines;
}

/// Losses and snapshots are both in the order of the training.
void add_losses(std::filesystem::path const& folder, std::vector<Line>& lines) {
  std::size_t at = 0;
  std::int64_t microbatches = 0;
  io::read_rows<LossRow>(folder, "loss", [&](std::span<LossRow const> rows) {
    for (LossRow const& row : rows) {
      if (row.pipeline > 0) continue;
      while (at < lines.size() && !is_before(row, lines[at].objective))
        lines[at++].microbatches = microbatches;
      ++microbatches;
      if (at == lines.size()) continue;
      lines[at].loss_sum += row.loss;
      ++lines[at].losses;
    }
  });
  while (at < lines.size()) lines[at++].microbatches = microbatches;
}

/// Exact; nothing where it is undefined.
std::string cell(double value) {
  return std::isnan(value) ? "" : fmt::format("{}", value);
}

}  // namespace

void require_csv(std::string const& file) {
  if (std::ifstream there(file); there) {
    std::string first;
    std::getline(there, first);
    if (!first.empty() && first != header)
      usage_error("--log-csv {}: exists and was not written by a run; give another name", file);
  }
  if (std::ofstream const out(file, std::ios::app); !out)
    usage_error("--log-csv {}: cannot be written: {}", file, std::strerror(errno));
}

void write_csv(Resolved const& resolved, std::filesystem::path const& folder,
               std::string const& file) {
  std::vector<Line> lines = snapshots(folder);
  add_losses(folder, lines);
  std::ofstream out(file);
  out << header << '\n';
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Line const& line = lines[i];
    ObjectiveRow const& row = line.objective;
    double const loss =
        line.losses == 0 ? engine::undefined : line.loss_sum / static_cast<double>(line.losses);
    out << fmt::format("{},{},{},{},{},{},{},{},{},{}\n", step_of(resolved, i, row),
                       row.block_updates, line.microbatches, cell(row.plan_time),
                       static_cast<double>(row.wall_ns) / 1e9, cell(loss), cell(row.value),
                       cell(row.accuracy), cell(line.validation.value),
                       cell(line.validation.accuracy));
  }
  out.flush();
  if (!out) failure("{}: cannot be written: {}", file, std::strerror(errno));
}

}  // namespace quartic::app
