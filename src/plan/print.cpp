#include "quartic/plan/print.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "quartic/core/check.hpp"

namespace quartic::plan {
namespace {

constexpr std::int64_t widest_grid = 100'000;  // columns: beyond that nobody looks

/// What a slot without work holds.
constexpr Action empty{Kind::done};

/// Puts `value` at the column of `time` in whole units, or the next that is free where actions are
/// shorter than a unit; columns before it that nobody filled are `blank`.
template <class Cell>
void place(std::vector<Cell>& row, Ticks time, Cell value, Cell const& blank) {
  auto const column = std::max<std::int64_t>(time / ticks_per_unit, std::ssize(row));
  if (column >= widest_grid) {
    usage_error(
        "a plan of more than {} slots cannot be drawn; use fewer --microbatches or --format table",
        widest_grid);
  }
  auto const cell = static_cast<std::size_t>(column);
  if (row.size() <= cell) row.resize(cell + 1, blank);
  row[cell] = std::move(value);
}

std::string spread(Spread const& values) {
  if (values.count() == 0) return "-";
  if (values.min() == values.max()) return fmt::format("{:g}", values.max());
  return fmt::format("{:g}..{:g} ({:.4g})", values.min(), values.max(), values.mean());
}

void append_rows(fmt::memory_buffer& out, WindowStatistics const& window) {
  fmt::format_to(std::back_inserter(out), "{:>5}  {:>20} {:>20} {:>24} {:>24} {:>12} {:>12}\n",
                 "stage", "staleness", "drift", "own delay", "oldest delay", "copies",
                 "activations");
  for (std::size_t s = 0; s < window.stages.size(); ++s) {
    StageStatistics const& stage = window.stages[s];
    fmt::format_to(std::back_inserter(out), "{:>5}  {:>20} {:>20} {:>24} {:>24} {:>12} {:>12}\n", s,
                   spread(stage.staleness), spread(stage.drift), spread(stage.delay_own),
                   spread(stage.delay_oldest), spread(stage.weight_copies),
                   spread(stage.activations));
  }
}

}  // namespace

Grid::Grid(Rules const& rules)
    : accumulate_(rules.shape.accumulate), actions_(static_cast<std::size_t>(rules.shape.stages)) {}

void Grid::add(Decision const& planned) {
  auto const [kind, stage, microbatch, count] = planned.action;
  auto& row = actions_[static_cast<std::size_t>(stage)];
  place(row, planned.begin, planned.action, empty);
  for (Ticks time = planned.begin + ticks_per_unit; time < planned.end; time += ticks_per_unit) {
    place(row, time, Action{Kind::wait, stage}, empty);
  }
  by_minibatch_ |= count > 1;
}

std::string Grid::cell(Action const& action) const {
  auto const [kind, stage, microbatch, count] = action;
  if (kind == Kind::done) return by_minibatch_ ? "." : ". ";
  if (kind == Kind::wait) return "-";
  if (!by_minibatch_) {
    char const mark = kind == Kind::forward ? ' ' : static_cast<char>(letter(kind) - 'A' + 'a');
    return fmt::format("{}{}", microbatch, mark);
  }
  std::int64_t const minibatch = microbatch / accumulate_;
  if (kind != Kind::forward) return fmt::format("{}", minibatch);
  constexpr std::int64_t letters = 26;
  std::int64_t const place = microbatch % accumulate_;
  if (accumulate_ > letters) return fmt::format("{}.{}", minibatch, place);
  return fmt::format("{}{}", minibatch, static_cast<char>('a' + place));
}

std::string Grid::text() const {
  std::size_t columns = 0;
  std::vector<std::vector<std::string>> cells;
  std::size_t width = 1;
  for (auto const& row : actions_) {
    columns = std::max(columns, row.size());
    auto& texts = cells.emplace_back();
    for (Action const& action : row) {
      texts.push_back(cell(action));
      width = std::max(width, texts.back().size());
    }
  }
  fmt::memory_buffer out;
  for (std::size_t stage = 0; stage < cells.size(); ++stage) {
    auto const& row = cells[stage];
    fmt::format_to(std::back_inserter(out), "s{:<4}", stage);
    for (std::size_t column = 0; column < columns; ++column) {
      bool const idle = column >= row.size();
      fmt::format_to(std::back_inserter(out), " {:>{}}", idle ? cell(empty) : row[column], width);
    }
    out.push_back('\n');
  }
  return fmt::to_string(out);
}

Csv::Csv(Rules const& rules)
    : sampled_(rules.updates_one_stage()), cells_(static_cast<std::size_t>(rules.workers)) {}

void Csv::add(Decision const& planned) {
  if (sampled_) {
    usage_error(
        "--format csv: a schedule file cannot hold microbatches that update only one stage; use "
        "--format grid");
  }
  if (planned.action.count > 1) {
    usage_error(
        "--format csv: a schedule file cannot hold one backward of {} microbatches; use --backward "
        "chunk or --format grid",
        planned.action.count);
  }
  place(cells_[static_cast<std::size_t>(planned.worker)], planned.begin, to_text(planned.action),
        std::string());
}

std::string Csv::text() const {
  std::size_t columns = 0;
  for (auto const& row : cells_) columns = std::max(columns, row.size());
  std::string out;
  for (auto row : cells_) {
    row.resize(columns);
    out += fmt::format("{}\n", fmt::join(row, ","));
  }
  return out;
}

std::string table(Statistics const& statistics, std::string const& unit) {
  WindowStatistics const steady = statistics.steady();
  WindowStatistics const whole = statistics.whole();
  fmt::memory_buffer out;
  fmt::format_to(
      std::back_inserter(out),
      "makespan {:g} {}s, bubble {:.4f}; steady state: utilisation {:.4f}, mean delay {:g}\n",
      to_units(statistics.makespan()), unit, statistics.bubble(), steady.utilisation,
      steady.delay_mean.mean());
  fmt::format_to(std::back_inserter(out),
                 "\nsteady state (a single value, or smallest..largest (mean))\n");
  append_rows(out, steady);
  fmt::format_to(std::back_inserter(out), "\nwhole run\n");
  append_rows(out, whole);
  return fmt::to_string(out);
}

}  // namespace quartic::plan
