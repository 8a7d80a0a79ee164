#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "quartic/plan/planner.hpp"

namespace quartic::engine {

/// When the objective is evaluated, besides the start and the end: every so many ticks of plan
/// time, block updates, or steps (Steps). At most one of the three is positive.
struct SnapshotSettings {
  plan::Ticks every_ticks = 0;
  std::int64_t every_updates = 0;
  std::int64_t every_steps = 0;
};

/// Counts steps: minibatches that every stage has applied. Where a minibatch is applied by one
/// stage alone (rpd) that one is all; replicas (local-sgd) take turns, so each of their minibatches
/// is a step.
class Steps {
 public:
  explicit Steps(plan::Rules const& rules)
      : by_one_stage_(rules.updates_one_stage()),
        updates_(static_cast<std::size_t>(rules.shape.stages)) {}

  /// After an action: whether a step ends with it.
  bool pass(plan::Decision const& planned) {
    if (!planned.updates) return false;
    ++updates_[static_cast<std::size_t>(planned.action.stage)];
    std::int64_t const before = count_;
    count_ = by_one_stage_ ? count_ + 1 : *std::min_element(updates_.begin(), updates_.end());
    return count_ > before;
  }
  std::int64_t count() const { return count_; }

 private:
  bool by_one_stage_;
  std::vector<std::int64_t> updates_;  // by stage
  std::int64_t count_ = 0;
};

/// The snapshots by plan time that one stage has to pin: 0, T, 2T, …; a snapshot at t is the state
/// after all actions that end at or before t.
class TimeSnapshots {
 public:
  explicit TimeSnapshots(plan::Ticks every) : every_(every) {}

  /// Calls pin(t) for each snapshot that the stage has passed once nothing of it ends at or before
  /// t any more: before its action that ends at `time`, or when all that follows begins after t.
  template <class Pin>
  void pass(plan::Ticks time, Pin pin) {
    while (next_ >= 0 && next_ < time) {
      pin(next_);
      ++passed_;
      last_ = next_;
      next_ = every_ > 0 ? next_ + every_ : -1;
    }
  }
  /// The snapshots up to and at the end of the plan.
  template <class Pin>
  void finish(plan::Ticks makespan, Pin pin) {
    pass(makespan + 1, pin);
    if (last_ != makespan) pin(makespan);
  }
  std::int64_t passed() const { return passed_; }

 private:
  plan::Ticks every_;
  plan::Ticks next_ = 0;
  plan::Ticks last_ = -1;
  std::int64_t passed_ = 0;
};

/// The snapshots of all stages, as the plan goes by. Every rank counts them for every stage, so
/// each knows which snapshots are whole. `pin(stage, time)` is called for each snapshot that a
/// stage has come to, `time` in units of the plan.
class Snapshots {
 public:
  Snapshots(SnapshotSettings settings, int stages)
      : settings_(settings),
        by_time_(static_cast<std::size_t>(stages), TimeSnapshots(settings.every_ticks)),
        before_all_(settings.every_ticks) {}

  /// Before the first action.
  template <class Pin>
  void begin(Pin pin) {
    if (by_count()) pin_all(0, pin);
  }
  /// Before `planned`: what its stage has passed, and for all stages the snapshots before
  /// everything to come.
  template <class Pin>
  void before(plan::Decision const& planned, Pin pin) {
    if (by_count()) return;
    before_all_.pass(planned.begin, [&](plan::Ticks time) {
      for (int stage = 0; stage < stages(); ++stage) pass(stage, time + 1, pin);
    });
    pass(planned.action.stage, planned.end, pin);
  }
  /// After it, with which so many block updates and steps are made.
  template <class Pin>
  void after(plan::Decision const& planned, std::int64_t block_updates, std::int64_t steps,
             Pin pin) {
    if (!by_count() || !planned.updates) return;
    std::int64_t const count = settings_.every_updates > 0 ? block_updates : steps;
    std::int64_t const before = std::exchange(count_, count);
    if (count > before && count % every() == 0) pin_all(plan::to_units(planned.end), pin);
  }
  /// After the last.
  template <class Pin>
  void finish(plan::Planner const& planner, Pin pin) {
    if (by_count()) {
      if (count_ % every() != 0) pin_all(plan::to_units(planner.makespan()), pin);
      return;
    }
    for (int stage = 0; stage < stages(); ++stage) {
      at(stage).finish(planner.makespan(),
                       [&](plan::Ticks time) { pin(stage, plan::to_units(time)); });
    }
  }

  /// How many snapshots all stages have come to.
  std::int64_t whole() const { return whole_; }
  /// How many snapshots one stage has come to.
  std::int64_t passed(int stage) const {
    return by_count() ? whole_ : by_time_[static_cast<std::size_t>(stage)].passed();
  }

 private:
  std::int64_t every() const { return std::max(settings_.every_updates, settings_.every_steps); }
  bool by_count() const { return every() > 0; }
  int stages() const { return static_cast<int>(by_time_.size()); }
  TimeSnapshots& at(int stage) { return by_time_[static_cast<std::size_t>(stage)]; }
  template <class Pin>
  void pass(int stage, plan::Ticks before, Pin& pin) {
    std::int64_t const passed = at(stage).passed();
    at(stage).pass(before, [&](plan::Ticks time) { pin(stage, plan::to_units(time)); });
    if (at(stage).passed() == passed) return;
    auto const fewer = [](TimeSnapshots const& a, TimeSnapshots const& b) {
      return a.passed() < b.passed();
    };
    whole_ = std::min_element(by_time_.begin(), by_time_.end(), fewer)->passed();
  }
  template <class Pin>
  void pin_all(double time, Pin& pin) {
    for (int stage = 0; stage < stages(); ++stage) pin(stage, time);
    ++whole_;
  }

  SnapshotSettings settings_;
  std::vector<TimeSnapshots> by_time_;  // by stage
  TimeSnapshots before_all_;
  std::int64_t whole_ = 0;
  std::int64_t count_ = 0;  // of updates or steps
};

}  // namespace quartic::engine
