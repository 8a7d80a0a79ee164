#pragma once

#include <cstdint>
#include <optional>

#include "quartic/comm/agreement.hpp"
#include "quartic/engine/checkpoint.hpp"
#include "quartic/engine/consensus.hpp"
#include "quartic/engine/plan_walk.hpp"
#include "quartic/engine/rank.hpp"
#include "quartic/engine/report.hpp"

namespace quartic::engine {

/// When a run that replays the plan makes checkpoints, and how all ranks make them together. Every
/// call is collective, at the same position of the plan, unless it says otherwise.
template <class T>
class Checkpoints {
 public:
  /// All must outlive this.
  Checkpoints(Rank<T>& rank, plan::Rules const& rules, PlanWalk const& walk, CheckpointStore& store,
              CheckpointSettings const& settings);

  /// Puts the rank's stages back to the checkpoint that the walk has reached. Not collective.
  void restore();
  /// After an action of the plan; `updates`: it was an update. Whether the run stops here.
  bool after_action(bool updates);
  /// The last checkpoint that a longer run has too, unless it has just been made, or the run is at
  /// its beginning.
  void before_fork();
  /// After the last action: until all is evaluated, or the run is told to stop; then true.
  /// `wall_ns` is when the training ended.
  bool stopped_while_evaluating(std::int64_t wall_ns);
  /// At the end: commits the last checkpoint.
  void finish();

  /// Whether this rank was told to stop. Not collective.
  bool stops() const { return settings_.stops(); }
  CheckpointTotals const& totals() const { return totals_; }

 private:
  bool due(bool updates) const;
  Consensus::Proposal end_period();
  void begin_period(bool due);
  void save(bool stops);
  void interrupt_evaluations();
  bool has_received();
  void commit_when_written(std::int64_t written);
  void commit_now();
  void meet();

  Rank<T>& rank_;
  PlanWalk const& walk_;
  CheckpointStore& store_;
  CheckpointSettings settings_;
  Consensus consensus_;
  comm::Agreement meeting_;
  std::optional<Checkpoint> saved_;  // last, and not committed
  std::int64_t last_saved_ = -1;     // its position, or the position that was resumed from
  std::int64_t last_save_ns_ = 0;
  CheckpointTotals totals_;
};

}  // namespace quartic::engine
