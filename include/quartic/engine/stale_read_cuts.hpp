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

/// The cuts of every K-th microbatch j, at which each stage compares w, its live weights (of j's
/// replica), with z, the weights that its forward of j computed with, as bent where they were. Both
/// are the first pipeline's, without statistics.
///
/// The cut is the start of j's backward at stage 0: with an update of several microbatches of j's
/// own backward, whichever applies it; of the input half, where the backward is split; of the whole
/// action, where it covers several microbatches. For rpd, whose backward stops at the sampled
/// stage, it is the start there, before the update of iteration j. Updates count that have ended by
/// then in plan time, averages with them.
///
/// The plan's order is by starts, so a stage comes to an update that ends after a cut before the
/// run comes to the cut. Hence a planner of its own, which looks ahead as far as that update's end.
class StaleReadCuts {
 public:
  /// `every`: K, at least 1. `rules` and `cost` must outlive this.
  StaleReadCuts(plan::Rules const& rules, plan::Cost const& cost, std::int64_t every)
      : ahead_(rules, cost), every_(every) {}

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
  void reach(plan::Decision const& planned, Take take) {
    if (!makes_cuts(planned)) return;
    look_ahead(planned.begin + 1);
    std::int64_t const end = planned.action.microbatch + planned.action.count;
    while (!open_.empty() && open_.front().microbatch < end) take(open_.pop());
  }

 private:
  static bool makes_cuts(plan::Decision const& decision);
  void look_ahead(plan::Ticks time);

  plan::Planner ahead_;
  std::int64_t every_;
  plan::Ticks seen_ = 0;            // all cuts before are in, or past
  IndexedRing<StaleReadCut> open_;  // that the run has not come to
};

}  // namespace quartic::engine
