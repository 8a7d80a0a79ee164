#pragma once

#include <cstdint>

#include "quartic/plan/action.hpp"

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

 private:
  plan::Ticks every_;
  plan::Ticks next_ = 0;
  plan::Ticks last_ = -1;
};

}  // namespace quartic::engine
