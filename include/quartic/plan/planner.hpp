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
  std::span<Read const> reads = {};  ///< what it computes with, one for each of its microbatches
  bool updates = false;              ///< the accumulated gradient is applied at its end
  double rate = 1;                   ///< and then the factor on its learning rate
  bool averages = false;             ///< and then the replicas of the stage are averaged
  bool ends = false;                 ///< the stage holds its microbatches no longer than this
  Tags tags = {};
  std::int64_t oldest_needed = 0;  ///< versions below, unless held, are given up with it
  std::int32_t activations = 0;    ///< microbatches held, this one included
  std::int32_t weight_copies = 0;  ///< versions held while it computes
};

/// The planned columns of one row of `steps`: a backward whose gradient has been applied.
struct PlannedStep {
  int stage = 0;
  std::int64_t microbatch = 0;
  std::int64_t minibatch = 0;
  int replica = 0;
  std::int64_t version_forward = 0;
  std::int64_t version_backward = 0;
  std::int64_t version_applied = 0;
  std::int64_t delay_own = 0;     ///< block updates of its replica since the read of the own block
  std::int64_t delay_oldest = 0;  ///< since the read of the oldest block
  double delay_mean = 0;          ///< mean over all blocks
  Ticks begin_forward = 0;
  Ticks begin_backward = 0;
  std::int32_t activations = 0;    ///< microbatches held, the larger of its forward and backward
  std::int32_t weight_copies = 0;  ///< versions held while its forward or backward computes
};

/// The plan: all workers of a method run against a cost model as discrete events, lazily, in one
/// process, without a float of the model. Actions come in the global order of methods.md §1: by
/// start time, then stage. Memory is O(S²) counters, independent of the length of the run.
///
///   Planner planner(rules, cost);
///   while (PlannedAction const* next = planner.next()) { … planner.applied() … }
///
/// Throws Failure with a report of who waits for what when no worker can continue (a deadlock), or
/// when a schedule breaks its word (passes out of order, more in flight than it declared).
class Planner : private GlobalView {
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
    Ticks begin = 0;
    std::int64_t block_updates = 0;
    Read read;
    std::int64_t version_backward = -1;  // both once its backward, or the input half, has started
    Ticks begin_backward = -1;
    std::int32_t weight_copies = 0;  // both at its forward
    std::int32_t activations = 0;
  };
  struct Stage {
    std::vector<VersionLedger> ledgers;  // by replica
    std::int32_t copies = 0;             // alive in all of them
    IndexedRing<Forward> in_flight;
    IndexedRing<Ticks> forward_arrivals;  // by microbatch
    IndexedRing<Ticks> backward_arrivals;
    std::vector<PlannedStep> accumulated;  // until their update
    std::int64_t activations_allowed = 0;
    IndexedRing<std::int64_t> made_by{1};  // by version: how many block updates came before
  };
  struct InPipeline {        // a microbatch over all stages
    std::int64_t first = 0;  // block updates at its oldest read
    std::int64_t sum = 0;    // and at all its reads
    Tags tags;
    int sampled_stage = 0;
    int stages_to_apply = 0;
  };

  StageView& view(int stage) { return views_[position_[static_cast<std::size_t>(stage)]]; }
  void place_stages();
  std::span<StageView> hosted(int worker);
  Stage& stage(int index) { return stages_[static_cast<std::size_t>(index)]; }

  bool decide_at_next_time();
  void decide(int worker);
  bool ready(Action const& action);
  void receive_arrivals(int worker);
  Ticks next_arrival(int worker);

  std::int64_t committed() const override;
  std::int64_t version_at(int stage, std::int64_t block_updates) const override;

  void start(PlannedAction& planned);
  void start_forward(PlannedAction& planned);
  void enter_pipeline(std::int64_t microbatch);
  void start_backward_input(PlannedAction& planned);
  void tag_minibatch(PassView const& pass);
  void start_backward_weight(PlannedAction& planned);
  void release(Ticks end);
  void accumulate(PlannedAction const& planned, std::int64_t microbatch);
  void update(PlannedAction& planned);
  UpdateView update_view(int stage) const;
  void require_readable(PlannedAction const& planned, Read const& read);
  void keep_needed(PlannedAction& planned);
  Tags next_tags(StageView const& at) const;
  template <class Change>
  void change(Stage& stage, int replica, Change change);
  void send(IndexedRing<Ticks>& arrivals, int from, int to, Ticks end);
  void arrive(IndexedRing<Ticks>& arrivals, int stage, Ticks time);
  [[noreturn]] void report_deadlock();

  Rules const& rules_;
  Cost const& cost_;
  std::vector<StageView> views_;       // by worker, then stage
  std::vector<std::size_t> first_;     // in them, of each worker, and their number
  std::vector<std::size_t> position_;  // in them, of each stage
  std::vector<Stage> stages_;
  std::vector<std::int64_t> actions_done_;  // by worker
  EarliestFirst decisions_;                 // when each worker decides next
  std::vector<bool> busy_;               // it has an action that has not been handed out or ended
  IndexedRing<InPipeline> in_pipeline_;  // by microbatch
  std::int64_t entered_ = 0;             // microbatches that stage 0 may forward
  std::vector<Read> reads_;              // of the last action
  IndexedRing<Ticks> last_updates_;      // ends of stage 0's updates that have not ended yet
  std::int64_t committed_ = 0;           // that have: a backward reaches stage 0 last
  std::vector<PlannedAction> batch_;     // decided at one time, by stage
  std::size_t batch_next_ = 0;
  std::vector<PlannedStep> applied_;
  std::int64_t block_updates_ = 0;
  std::vector<std::int64_t> block_updates_of_;  // by replica
  Ticks now_ = 0;
  Ticks makespan_ = 0;
  int workers_done_ = 0;
};

}  // namespace quartic::plan
