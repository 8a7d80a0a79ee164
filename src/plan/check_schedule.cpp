#include "quartic/plan/check_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::plan {
namespace {

Ticks sum(Ticks one, Ticks other) {
  Ticks total = 0;
  if (__builtin_add_overflow(one, other, &total))
    usage_error("plan time overflows after {:g} units; use smaller costs", to_units(one));
  return total;
}

/// All workers at their lines. What an action waits for does not depend on times, so workers may
/// be taken in any order.
class Replay {
 public:
  Replay(ScheduleFile const& file, Cost const& cost) : file_(file), cost_(cost) {
    times_.resize(file.actions().size());
    for (int worker = 0; worker < file.workers(); ++worker) next_.push_back(file.begin(worker));
  }

  std::vector<ActionTimes> run() {
    for (int worker = 0; worker < file_.workers(); ++worker) can_go_on_.push_back(worker);
    while (!can_go_on_.empty()) {
      int const worker = can_go_on_.back();
      can_go_on_.pop_back();
      while (!done(worker) && ready(worker)) take(worker);
    }
    for (int worker = 0; worker < file_.workers(); ++worker) {
      if (!done(worker)) report_deadlock(worker);
    }
    return std::move(times_);
  }

 private:
  std::size_t next(int worker) const { return next_[static_cast<std::size_t>(worker)]; }
  bool done(int worker) const { return next(worker) == file_.end(worker); }
  /// Whether the action was taken.
  bool past(std::size_t number) const { return number < next(file_.actions()[number].worker); }

  /// What the worker's next action needs of a neighbouring stage.
  std::optional<std::size_t> awaited(int worker) const {
    return file_.input(file_.actions()[next(worker)].action);
  }
  bool ready(int worker) const {
    auto const input = awaited(worker);
    return !input || past(*input);
  }

  void take(int worker) {
    std::size_t const number = next(worker);
    Action const& action = file_.actions()[number].action;
    Ticks begin = number > file_.begin(worker) ? times_[number - 1].end : 0;
    if (auto const input = awaited(worker)) {
      bool const by_message = file_.actions()[*input].worker != worker;
      begin = std::max(begin, sum(times_[*input].end, by_message ? cost_.hop() : 0));
    }
    times_[number] = {begin, sum(begin, cost_.duration(action))};
    ++next_[static_cast<std::size_t>(worker)];
    if (auto const output = file_.output(action)) {
      int const neighbour = file_.actions()[*output].worker;
      if (next(neighbour) == *output) can_go_on_.push_back(neighbour);
    }
  }

  /// The worker whose action `worker` waits for, where `worker` cannot continue.
  int awaits(int worker) const { return file_.actions()[*awaited(worker)].worker; }

  /// Follows who waits for whom from a worker that cannot continue; this ends in a circle.
  [[noreturn]] void report_deadlock(int worker) const {
    for (int steps = 0; steps < file_.workers(); ++steps) worker = awaits(worker);
    constexpr int most_named = 8;
    std::string circle;
    int const first = worker;
    for (int named = 0; named < most_named && (named == 0 || worker != first); ++named) {
      circle += fmt::format("{}worker {} cannot start {} before {} of worker {}",
                            named > 0 ? "; " : "", worker, to_text(file_.actions()[next(worker)]),
                            to_text(file_.actions()[*awaited(worker)]), awaits(worker));
      worker = awaits(worker);
    }
    usage_error("deadlock: {}{}", circle, worker == first ? "" : "; …");
  }

  ScheduleFile const& file_;
  Cost const& cost_;
  std::vector<ActionTimes> times_;
  std::vector<std::size_t> next_;  // number of the next action, by worker
  std::vector<int> can_go_on_;     // workers
};

double bubble(std::vector<ActionTimes> const& times, int workers, Ticks makespan) {
  Ticks busy = 0;
  for (ActionTimes const& action : times) busy = sum(busy, action.end - action.begin);
  return 1 -
         static_cast<double>(busy) / (static_cast<double>(makespan) * static_cast<double>(workers));
}

/// In the order of its line a worker takes up and gives back the activations of its stages.
void count_activations(ScheduleFile const& file, std::vector<StageReport>& stages) {
  std::vector<std::int64_t> held(stages.size());
  for (ListedAction const& listed : file.actions()) {
    auto const stage = static_cast<std::size_t>(listed.action.stage);
    Kind const kind = listed.action.kind;
    if (kind == Kind::forward)
      stages[stage].activations = std::max(stages[stage].activations, ++held[stage]);
    if (kind == Kind::backward || kind == Kind::backward_weight) --held[stage];
  }
}

/// Inputs that wait at a stage that is not the first. One used the moment it arrives never waits.
std::int64_t buffers(ScheduleFile const& file, std::vector<ActionTimes> const& times, Ticks hop,
                     int stage) {
  std::vector<Ticks> arrivals;
  std::vector<Ticks> uses;
  for (std::int64_t microbatch = 0; microbatch < file.microbatches(); ++microbatch) {
    arrivals.push_back(times[file.forward(stage - 1, microbatch)].end + hop);
    uses.push_back(times[file.forward(stage, microbatch)].begin);
  }
  std::sort(arrivals.begin(), arrivals.end());
  std::sort(uses.begin(), uses.end());
  std::int64_t most = 0;
  auto used = uses.begin();
  for (auto arrived = arrivals.begin(); arrived != arrivals.end(); ++arrived) {
    used = std::find_if(used, uses.end(), [&](Ticks use) { return use > *arrived; });
    most = std::max<std::int64_t>(most, arrived + 1 - arrivals.begin() - (used - uses.begin()));
  }
  return most;
}

}  // namespace

std::vector<ActionTimes> action_times(ScheduleFile const& file, Cost const& cost) {
  return Replay(file, cost).run();
}

ScheduleReport report(ScheduleFile const& file, Cost const& cost,
                      std::vector<ActionTimes> const& times) {
  ScheduleReport report;
  report.workers = file.workers();
  report.microbatches = file.microbatches();
  for (ActionTimes const& action : times) report.makespan = std::max(report.makespan, action.end);
  report.bubble = bubble(times, file.workers(), report.makespan);
  for (int stage = 0; stage < file.stages(); ++stage) {
    bool const by_message = stage > 0 && file.worker_of(stage) != file.worker_of(stage - 1);
    std::int64_t const waiting =
        stage > 0 ? buffers(file, times, by_message ? cost.hop() : 0, stage) : 0;
    report.stages.push_back({.worker = file.worker_of(stage), .buffers = waiting});
  }
  count_activations(file, report.stages);
  return report;
}

std::string to_text(ScheduleReport const& report, std::string const& unit) {
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out),
                 "stages {}, workers {}, microbatches {}; makespan {:g} {}s, bubble {:.4f}\n\n",
                 report.stages.size(), report.workers, report.microbatches,
                 to_units(report.makespan), unit, report.bubble);
  fmt::format_to(std::back_inserter(out), "{:>5} {:>7} {:>12} {:>8}\n", "stage", "worker",
                 "activations", "buffers");
  for (std::size_t s = 0; s < report.stages.size(); ++s) {
    StageReport const& stage = report.stages[s];
    fmt::format_to(std::back_inserter(out), "{:>5} {:>7} {:>12} {:>8}\n", s, stage.worker,
                   stage.activations, stage.buffers);
  }
  return fmt::to_string(out);
}

}  // namespace quartic::plan
