#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/plan/action.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/earliest_first.hpp"
#include "quartic/plan/rules.hpp"
#include "quartic/plan/version_ledger.hpp"

namespace quartic::plan {

/// One action of the plan, as its stage sees it when it starts.
struct PlannedAction {
  Action action;
  int worker = 0;
  Ticks begin = 0;
  Ticks end = 0;
  Read read = {};                  ///< the version(s) that the pass computes with
  bool updates = false;            ///< the accumulated gradient is applied at its end
  std::int64_t tag = 0;            ///< stage 0's live version at F(0, microbatch)
  std::int64_t oldest_needed = 0;  ///< versions below, unless held, are given up with it
  std::int32_t activations = 0;    ///< microbatches held, this one included
  std::int32_t weight_copies = 0;  ///< versions held
};

/// The planned columns of one row of `steps`: a backward whose gradient has been applied.
struct PlannedStep {
  int stage = 0;
  std::int64_t microbatch = 0;
  std::int64_t minibatch = 0;
  std::int64_t version_forward = 0;
  std::int64_t version_backward = 0;
  std::int64_t version_applied = 0;
  std::int64_t delay_own = 0;     ///< global block updates since the read of the own block
  std::int64_t delay_oldest = 0;  ///< since the read of the block that was read first
  double delay_mean = 0;          ///< mean over all blocks
  Ticks begin_forward = 0;
  Ticks begin_backward = 0;
  std::int32_t activations = 0;
  std::int32_t weight_copies = 0;
};

/// The plan: all workers of a method run against a cost model as discrete events, lazily, in one
/// process, without a float of the model. Actions come in the global order of methods.md §1: by
/// start time, then stage. Memory is O(S²) counters, independent of the length of the run.
///
///   Planner planner(rules, cost);
///   while (PlannedAction const* next = planner.next()) { … planner.applied() … }
///
/// Throws Failure with a report of who waits for what when no worker can go on (a deadlock), or
/// when a schedule breaks its word (passes out of order, more in flight than it declared).
class Planner {
 public:
  /// Both must outlive the planner.
  Planner(Rules const& rules, Cost const& cost);

  /// The next action, or nullptr at the end. Valid until the next call.
  PlannedAction const* next();
  /// The steps whose gradient the last action applied, ascending in microbatch.
  std::span<PlannedStep const> applied() const { return applied_; }

  /// Largest end of the actions so far: at the end of the plan its makespan.
  Ticks makespan() const { return makespan_; }
  std::int64_t block_updates() const { return block_updates_; }

 private:
  struct Forward {  // of a microbatch in flight at one stage
    Ticks begin;
    std::int64_t block_updates;
    std::int64_t version;
    std::int64_t version_backward;  // both once its backward, or the input half, has started
    Ticks begin_backward;
  };
  struct Stage {
    VersionLedger ledger;
    IndexedRing<Forward> in_flight;
    IndexedRing<Ticks> forward_arrivals;  // by microbatch
    IndexedRing<Ticks> backward_arrivals;
    std::vector<PlannedStep> accumulated;  // until their update
    std::int64_t activations_allowed = 0;
    std::int64_t last_tag = 0;
  };
  struct Reads {  // of a microbatch over all stages: the block updates at its reads
    std::int64_t first;
    std::int64_t sum;
    std::int64_t tag;  // stage 0's live version at its forward
    int stages_applied;
  };

  StageView& view(int stage) { return views_[position(stage)]; }
  std::size_t position(int stage) const;
  std::span<StageView> hosted(int worker);
  Stage& stage(int index) { return stages_[static_cast<std::size_t>(index)]; }

  bool decide_at_next_time();
  void decide(int worker);
  bool ready(Action const& action);
  void receive_arrivals(int worker);
  Ticks next_arrival(int worker);

  void start(PlannedAction& planned);
  void start_forward(PlannedAction& planned);
  void start_backward_input(PlannedAction& planned);
  void start_backward_weight(PlannedAction& planned);
  void accumulate(PlannedAction const& planned, std::int64_t microbatch);
  void update(int stage);
  void require_alive(PlannedAction const& planned);
  void keep_needed(PlannedAction& planned);
  void arrive(IndexedRing<Ticks>& arrivals, int stage, Ticks time);
  [[noreturn]] void report_deadlock();

  Rules const& rules_;
  Cost const& cost_;
  int stages_per_worker_;
  std::vector<StageView> views_;  // by worker, then stage
  std::vector<Stage> stages_;
  std::vector<std::int64_t> actions_done_;  // by worker
  EarliestFirst decisions_;                 // when each worker decides next
  std::vector<bool> busy_;            // it has an action that has not been handed out or ended
  IndexedRing<Reads> reads_;          // by microbatch
  std::vector<PlannedAction> batch_;  // decided at one time, by stage
  std::size_t batch_next_ = 0;
  std::vector<PlannedStep> applied_;
  std::int64_t block_updates_ = 0;
  Ticks now_ = 0;
  Ticks makespan_ = 0;
  int workers_done_ = 0;
};

}  // namespace quartic::plan
