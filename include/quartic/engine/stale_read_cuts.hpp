#pragma once

#include <cstdint>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::engine {

/// The moment at which the stale read of a sampled microbatch is measured.
struct StaleReadCut {
  std::int64_t microbatch = -1;
  plan::Ticks time = 0;
};

/// The cuts of every K-th microbatch j, at which each stage compares its weights w now with the
/// weights z that its forward of j has read: the start of j's own backward (input half, where it is
/// split; the whole action, where it covers several microbatches) at the lowest stage that it
/// reaches. That is stage 0, which is about to apply j, or of an update by several microbatches to
/// take j into it; for rpd the sampled stage, before the update of iteration j. What counts is what
/// ended by then in plan time.
///
/// In the plan's order a stage may make an update before the run comes to a cut that this update
/// ends after. So a planner of its own looks ahead, no further than to the end of the update.
class StaleReadCuts {
 public:
  /// `every`: K, at least 1. `rules` and `cost` must outlive this.
  StaleReadCuts(plan::Rules const& rules, plan::Cost const& cost, std::int64_t every)
      : rules_(rules), ahead_(rules, cost), every_(every) {}

  /// Calls take(cut), ascending, for the cuts before `time` that the run has not come to.
  template <class Take>
  void before(plan::Ticks time, Take take) {
    look_ahead(time);
    for (std::int64_t cut = open_.first(); cut < open_.end() && open_[cut].time < time; ++cut) {
      take(open_[cut]);
    }
  }
  /// The run has come to `planned`: calls take(cut) for the cuts that its start makes, and forgets
  /// them.
  template <class Take>
  void reach(plan::PlannedAction const& planned, Take take) {
    if (!makes_cuts(planned.action)) return;
    look_ahead(planned.begin + 1);
    std::int64_t const end = planned.action.microbatch + planned.action.count;
    while (!open_.empty() && open_.front().microbatch < end) take(open_.pop());
  }

 private:
  bool makes_cuts(plan::Action const& action) const;
  void look_ahead(plan::Ticks time);

  plan::Rules const& rules_;
  plan::Planner ahead_;
  std::int64_t every_;
  plan::Ticks seen_ = 0;            // all cuts before are in, or past
  IndexedRing<StaleReadCut> open_;  // that the run has not come to
};

}  // namespace quartic::engine
