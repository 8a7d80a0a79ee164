#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/plan/decision.hpp"
#include "quartic/plan/version_ledger.hpp"

namespace quartic::plan {

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

/// What the actions of a plan read and make: versions, delays, and the microbatches in flight at
/// every stage. It is given the actions in the plan's order, as they start.
class Versions final : private GlobalView {
 public:
  /// `rules` must outlive this.
  explicit Versions(Rules const& rules);

  /// Updates that have ended by `now` are committed: a backward reaches stage 0 last.
  void come_to(Ticks now) {
    for (; !last_updates_.empty() && last_updates_.front() <= now; ++committed_)
      last_updates_.pop();
  }
  /// Fills in what the rules say about an action that starts now, and does what it does to the
  /// versions. `at` is its stage before the action. Failure where a pass reads a version that is
  /// not kept, or the stage would hold more microbatches than the schedule declares.
  void decide(Decision& decision, StageView const& at);
  /// Drops the versions that no later pass of the stage reads; `at` is the stage after the action.
  void drop_unneeded(Decision& decision, StageView const& at);

  /// The steps whose gradient the last action applied, ascending in microbatch.
  std::span<PlannedStep const> applied() const { return applied_; }
  std::int64_t block_updates() const { return block_updates_; }

 private:
  struct InFlight {  // a microbatch at one stage
    Ticks begin = 0;
    std::int64_t block_updates = 0;  // at its read
    Read read;
    std::int64_t version_backward = -1;  // both once its backward, or the input half, has started
    Ticks begin_backward = -1;
    std::int32_t weight_copies = 0;  // both at its forward
    std::int32_t activations = 0;
  };
  struct Stage {
    std::vector<VersionLedger> ledgers;  // by replica
    std::int32_t copies = 0;             // alive in all of them
    std::int64_t updates = 0;            // updates of all replicas
    IndexedRing<InFlight> in_flight;
    std::vector<PlannedStep> accumulated;  // until their update
    std::int64_t activations_allowed = 0;
    IndexedRing<std::int64_t> made_by{1};  // by version: how many block updates came before
  };
  struct InPipeline {        // a microbatch over all stages
    std::int64_t first = 0;  // block updates at its oldest read
    std::int64_t sum = 0;    // block updates at all its reads, added up
    Decider::Route route;
    Tags tags;
    int stages_to_apply = 0;
  };

  Stage& stage(int index) { return stages_[static_cast<std::size_t>(index)]; }
  Stage const& stage(int index) const { return stages_[static_cast<std::size_t>(index)]; }
  std::int64_t committed() const override { return committed_; }
  std::int64_t version_at(int stage, std::int64_t block_updates) const override;

  void enter_pipeline(std::int64_t microbatch);
  void tag_minibatch(std::int64_t first, PassView const& pass);
  void require_readable(Decision const& decision, Read const& read) const;
  void forward(Decision& decision);
  void backward_input(Decision& decision);
  void backward_weight(Decision& decision);
  void release(Stage& stage, Read const& read);
  void accumulate(Decision const& decision, Pass const& pass);
  UpdateView update_view(int stage) const;
  void update(Decision& decision);
  Tags next_tags(StageView const& at) const;
  template <class Change>
  void change(Stage& stage, int replica, Change change);

  Rules const& rules_;
  bool stashes_;  // answers of the rule that never change
  bool needs_global_view_;
  Decider decider_;
  std::vector<Stage> stages_;
  IndexedRing<InPipeline> in_pipeline_;         // by microbatch
  IndexedRing<Ticks> last_updates_;             // ends of stage 0's updates that have not ended yet
  std::int64_t committed_ = 0;                  // updates of stage 0 that have ended
  std::vector<PlannedStep> applied_;            // by the last action
  std::int64_t block_updates_ = 0;              // of all replicas
  std::vector<std::int64_t> block_updates_of_;  // by replica
};

}  // namespace quartic::plan
