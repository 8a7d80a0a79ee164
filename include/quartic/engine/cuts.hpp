#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quartic/plan/planner.hpp"

namespace quartic::engine {

/// When the objective is evaluated, besides the start and the end: every so many ticks of plan
/// time, or every so many block updates. At most one of the two is positive.
struct CutSettings {
  plan::Ticks every_ticks = 0;
  std::int64_t every_updates = 0;
};

/// The cuts by plan time that one stage has to pin: 0, T, 2T, …; a cut at t is the state after all
/// actions that end at or before t.
class TimeCuts {
 public:
  explicit TimeCuts(plan::Ticks every) : every_(every) {}

  /// Calls pin(t) for each cut that the stage has passed once nothing of it ends at or before t any
  /// more: before its action that ends at `time`, or when all that follows begins after t.
  template <class Pin>
  void pass(plan::Ticks time, Pin pin) {
    while (next_ >= 0 && next_ < time) {
      pin(next_);
      ++passed_;
      last_ = next_;
      next_ = every_ > 0 ? next_ + every_ : -1;
    }
  }
  /// The cuts up to and at the end of the plan.
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

/// The cuts of all stages, as the plan goes by. Every rank counts them for every stage, so each
/// knows which cuts are whole. `pin(stage, time)` is called for each cut that a stage has come to,
/// `time` in units of the plan.
class Cuts {
 public:
  Cuts(CutSettings settings, int stages)
      : settings_(settings),
        by_time_(static_cast<std::size_t>(stages), TimeCuts(settings.every_ticks)),
        before_all_(settings.every_ticks) {}

  /// Before the first action.
  template <class Pin>
  void begin(Pin pin) {
    if (by_updates()) pin_all(0, pin);
  }
  /// Before `planned`: what its stage has passed, and for all stages the cuts before everything to
  /// come.
  template <class Pin>
  void before(plan::PlannedAction const& planned, Pin pin) {
    if (by_updates()) return;
    before_all_.pass(planned.begin, [&](plan::Ticks time) {
      for (int stage = 0; stage < stages(); ++stage) pass(stage, time + 1, pin);
    });
    pass(planned.action.stage, planned.end, pin);
  }
  /// After it, which made so many block updates in all.
  template <class Pin>
  void after(plan::PlannedAction const& planned, std::int64_t block_updates, Pin pin) {
    bool const cut =
        by_updates() && planned.updates && block_updates % settings_.every_updates == 0;
    if (cut) pin_all(plan::to_units(planned.end), pin);
  }
  /// After the last.
  template <class Pin>
  void finish(plan::Planner const& planner, Pin pin) {
    if (by_updates()) {
      bool const pinned = planner.block_updates() % settings_.every_updates == 0;
      if (!pinned) pin_all(plan::to_units(planner.makespan()), pin);
      return;
    }
    for (int stage = 0; stage < stages(); ++stage) {
      at(stage).finish(planner.makespan(),
                       [&](plan::Ticks time) { pin(stage, plan::to_units(time)); });
    }
  }

  /// How many cuts all stages have come to.
  std::int64_t whole() const { return whole_; }
  /// And one of them.
  std::int64_t passed(int stage) const {
    return by_updates() ? whole_ : by_time_[static_cast<std::size_t>(stage)].passed();
  }

 private:
  bool by_updates() const { return settings_.every_updates > 0; }
  int stages() const { return static_cast<int>(by_time_.size()); }
  TimeCuts& at(int stage) { return by_time_[static_cast<std::size_t>(stage)]; }
  template <class Pin>
  void pass(int stage, plan::Ticks before, Pin& pin) {
    std::int64_t const passed = at(stage).passed();
    at(stage).pass(before, [&](plan::Ticks time) { pin(stage, plan::to_units(time)); });
    if (at(stage).passed() == passed) return;
    auto const fewer = [](TimeCuts const& a, TimeCuts const& b) { return a.passed() < b.passed(); };
    whole_ = std::min_element(by_time_.begin(), by_time_.end(), fewer)->passed();
  }
  template <class Pin>
  void pin_all(double time, Pin& pin) {
    for (int stage = 0; stage < stages(); ++stage) pin(stage, time);
    ++whole_;
  }

  CutSettings settings_;
  std::vector<TimeCuts> by_time_;  // by stage
  TimeCuts before_all_;
  std::int64_t whole_ = 0;
};

}  // namespace quartic::engine
