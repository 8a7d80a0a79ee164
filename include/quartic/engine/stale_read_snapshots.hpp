#pragma once

#include <cstdint>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::engine {

/// The moment at which the stale read of a sampled microbatch is measured.
struct StaleReadSnapshot {
  std::int64_t microbatch = -1;
  plan::Ticks time = 0;
};

/// The snapshots at which stale reads are measured. For every K-th microbatch j each stage of the
/// first pipeline compares w, its live weights of j's replica, with z, the weights that its forward
/// of j computed with (bent weights, where the method bends them). Statistics are left out.
///
/// The snapshot of j is the state at the start of j's backward at stage 0, in plan time: it
/// contains the updates that have ended by then, with their averages.
/// - An update of several microbatches: the start of j's own backward counts.
/// - A backward in two halves: the start of the input half counts.
/// - An action of several microbatches: the start of the action counts.
/// - rpd, whose backward stops at the sampled stage: the start there counts, before the update.
///
/// The plan orders actions by their start, so a stage can come to an update that ends after a
/// snapshot before the run comes to the snapshot itself. Therefore this class has a planner of its
/// own, which looks ahead as far as the end of that update.
class StaleReadSnapshots {
 public:
  /// `every`: K, at least 1. `rules` and `cost` must outlive this.
  StaleReadSnapshots(plan::Rules const& rules, plan::Cost const& cost, std::int64_t every)
      : ahead_(rules, cost), every_(every) {}

  /// Calls take(snapshot), ascending, for the snapshots before `time` that the run has not come to.
  template <class Take>
  void before(plan::Ticks time, Take take) {
    look_ahead(time);
    for (std::int64_t snapshot = open_.first();
         snapshot < open_.end() && open_[snapshot].time < time; ++snapshot) {
      take(open_[snapshot]);
    }
  }
  /// The run has come to `planned`: calls take(snapshot) for the snapshots that its start makes,
  /// and forgets them.
  template <class Take>
  void reach(plan::Decision const& planned, Take take) {
    if (!makes_snapshots(planned)) return;
    look_ahead(planned.begin + 1);
    std::int64_t const end = planned.action.microbatch + planned.action.count;
    while (!open_.empty() && open_.front().microbatch < end) take(open_.pop());
  }

 private:
  static bool makes_snapshots(plan::Decision const& decision);
  void look_ahead(plan::Ticks time);

  plan::Planner ahead_;
  std::int64_t every_;
  plan::Ticks seen_ = 0;                 // all snapshots before are in, or past
  IndexedRing<StaleReadSnapshot> open_;  // that the run has not come to
};

}  // namespace quartic::engine
