#pragma once

#include <span>

#include "quartic/engine/checkpoints.hpp"
#include "quartic/engine/plan_walk.hpp"
#include "quartic/engine/rank.hpp"

namespace quartic::engine {

/// How a run ended: all of it is done, or it was told to stop and has left a checkpoint.
enum class Ending { done, stopped };

/// The usual order of a run: every rank plans for all stages and does the actions of its own, in
/// the plan's order, so no rank waits to be told.
template <class T>
class Replay final : private PlanWalk::Visitor {
 public:
  /// All must outlive this; `checkpoints`: nullptr where none are made.
  Replay(Rank<T>& rank, PlanWalk& walk, Checkpoints<T>* checkpoints)
      : rank_(rank), walk_(walk), checkpoints_(checkpoints) {}

  /// Collective. From where the walk is to its end, or to where the run is told to stop.
  Ending run();

 private:
  void snapshot(int stage, double time) override;
  void stale_read(int stage, StaleReadSnapshot const& snapshot) override;
  void forks() override;
  void action(plan::Decision const& decision, std::span<plan::PlannedStep const> applied) override;

  Rank<T>& rank_;
  PlanWalk& walk_;
  Checkpoints<T>* checkpoints_;
};

}  // namespace quartic::engine
