#include "quartic/plan/statistics.hpp"

#include <algorithm>
#include <limits>

namespace quartic::plan {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

void add_step(WindowStatistics& window, PlannedStep const& step) {
  StageStatistics& stage = window.stages[static_cast<std::size_t>(step.stage)];
  stage.staleness.add(static_cast<double>(step.version_applied - step.version_forward));
  stage.drift.add(static_cast<double>(step.version_backward - step.version_forward));
  stage.delay_own.add(static_cast<double>(step.delay_own));
  stage.delay_oldest.add(static_cast<double>(step.delay_oldest));
  window.delay_mean.add(step.delay_mean);
  stage.weight_copies.add(step.weight_copies);
  stage.activations.add(step.activations);
}

}  // namespace

void Spread::add(double value) {
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  sum_ += value;
  ++count_;
}

double Spread::min() const {
  return count_ > 0 ? min_ : undefined;
}
double Spread::mean() const {
  return count_ > 0 ? sum_ / static_cast<double>(count_) : undefined;
}
double Spread::max() const {
  return count_ > 0 ? max_ : undefined;
}

SteadyWindow steady_window(Rules const& rules) {
  std::int64_t const stages = rules.shape.stages;
  std::int64_t const periods = rules.shape.microbatches / rules.period;
  // Where a microbatch updates one stage, S of them make what one makes elsewhere.
  bool const sampled = rules.updates_one_stage();
  std::int64_t const minibatch = sampled ? stages : rules.shape.accumulate;
  std::int64_t const skipped = (4 * stages * minibatch + rules.period - 1) / rules.period;
  std::int64_t const drained = (stages * minibatch + rules.period - 1) / rules.period;
  if (skipped + drained < periods)
    return {skipped * rules.period, (periods - drained) * rules.period};
  if (periods >= 3) return {periods / 3 * rules.period, (periods - periods / 3) * rules.period};
  return {0, rules.shape.microbatches};
}

Statistics::Statistics(Rules const& rules)
    : window_(steady_window(rules)), busy_(static_cast<std::size_t>(rules.workers)) {
  steady_.stages.resize(static_cast<std::size_t>(rules.shape.stages));
  whole_.stages.resize(static_cast<std::size_t>(rules.shape.stages));
}

void Statistics::add(Decision const& planned, std::span<PlannedStep const> applied) {
  if (planned.action.kind == Kind::forward && planned.action.stage == 0) {
    if (planned.action.microbatch == window_.first) {
      steady_begin_ = planned.begin;
      busy_at_begin_ = busy_until(planned.begin);
    }
    if (planned.action.microbatch == window_.end) {
      steady_end_ = planned.begin;
      busy_at_end_ = busy_until(planned.begin);
    }
  }
  Busy& busy = busy_[static_cast<std::size_t>(planned.worker)];
  busy.ticks += planned.end - planned.begin;
  busy.until = planned.end;
  makespan_ = std::max(makespan_, planned.end);
  for (PlannedStep const& step : applied) {
    add_step(whole_, step);
    if (window_.first <= step.microbatch && step.microbatch < window_.end) add_step(steady_, step);
  }
}

/// Busy time of all workers before `time`, given all actions that started before it.
Ticks Statistics::busy_until(Ticks time) const {
  Ticks sum = 0;
  for (Busy const& busy : busy_) sum += busy.ticks - std::max<Ticks>(0, busy.until - time);
  return sum;
}

double Statistics::utilisation(Ticks busy, Ticks duration) const {
  return static_cast<double>(busy) /
         (static_cast<double>(duration) * static_cast<double>(busy_.size()));
}

WindowStatistics Statistics::whole() const {
  WindowStatistics whole = whole_;
  whole.utilisation = utilisation(busy_until(makespan_), makespan_);
  return whole;
}

WindowStatistics Statistics::steady() const {
  WindowStatistics steady = steady_;
  bool const ended = steady_end_ >= 0;  // otherwise the window reaches to the end of the run
  Ticks const end = ended ? steady_end_ : makespan_;
  Ticks const busy = ended ? busy_at_end_ : busy_until(makespan_);
  steady.utilisation = utilisation(busy - busy_at_begin_, end - steady_begin_);
  return steady;
}

}  // namespace quartic::plan
