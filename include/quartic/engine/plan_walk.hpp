#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "quartic/engine/checkpoint.hpp"
#include "quartic/engine/snapshots.hpp"
#include "quartic/engine/stale_read_snapshots.hpp"
#include "quartic/engine/transit.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::engine {

/// The plan as it goes by, with all that follows from it alone: the same on every rank, whichever
/// stages it hosts.
class PlanWalk {
 public:
  /// What a run does on its way. As it is: nothing.
  class Visitor {
   public:
    virtual ~Visitor() = default;
    /// The stage has come to a snapshot at which the objective is evaluated; `time` in units.
    virtual void snapshot(int /*stage*/, double /*time*/) {}
    /// The stage has come to a snapshot at which stale reads are measured.
    virtual void stale_read(int /*stage*/, StaleReadSnapshot const& /*snapshot*/) {}
    /// The plan of the longer run does something else from here on, before the next action: a
    /// checkpoint here, or earlier, is one of both.
    virtual void forks() {}
    /// An action, and the steps whose gradient it applies.
    virtual void action(plan::Decision const& /*planned*/,
                        std::span<plan::PlannedStep const> /*applied*/) {}
  };

  /// `rules`, `cost` and `longer` must outlive this. `stale_read_every`: 0 for no such snapshots.
  /// `longer`: the rules of a longer run of the same kind, to walk beside it; nullptr: none.
  PlanWalk(plan::Rules const& rules, plan::Cost const& cost, SnapshotSettings snapshots,
           std::int64_t stale_read_every, plan::Rules const* longer = nullptr);

  /// The next action, or nullptr at the end. Valid until the next call.
  plan::Decision const* step(Visitor& visitor);
  /// After the last action: the snapshots of the end, unless they have been visited. Each time it
  /// counts as one more action, so that no checkpoint lies where another does.
  void finish(Visitor& visitor);
  /// From the beginning to where the checkpoint lies, for a run that continues there. False if the
  /// plan does not begin with the actions that the checkpoint has behind it.
  bool reach(Checkpoint const& checkpoint);

  /// The position of the walk; its clock is the time of the checkpoint that was reached.
  Checkpoint const& here() const { return here_; }
  /// The position at which the longer run's plan forked; −1 before.
  std::int64_t fork() const { return fork_; }
  /// Steps so far, and whether one has ended with the last action.
  std::int64_t steps() const { return steps_.count(); }
  bool ends_step() const { return ends_step_; }
  Snapshots const& snapshots() const { return snapshots_; }
  Transit const& transit() const { return transit_; }
  /// The planned bubble of all workers, at the end.
  double bubble() const;

 private:
  void look_for_fork(plan::Decision const* planned, Visitor& visitor);

  plan::Planner planner_;
  std::optional<plan::Planner> longer_;  // until it forks
  std::int64_t fork_ = -1;
  int workers_;
  int stages_;
  Steps steps_;
  bool ends_step_ = false;
  Snapshots snapshots_;
  std::optional<StaleReadSnapshots> stale_reads_;
  Transit transit_;
  Checkpoint here_;
  bool ended_ = false;
  plan::Ticks busy_ = 0;
};

}  // namespace quartic::engine
