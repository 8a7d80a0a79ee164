#include "quartic/engine/replay.hpp"

namespace quartic::engine {

template <class T>
Ending Replay<T>::run() {
  rank_.show();
  rank_.evaluations().reach(walk_.snapshots().whole());
  while (plan::Decision const* const decision = walk_.step(*this)) {
    rank_.evaluations().reach(walk_.snapshots().whole());
    bool const stops_soon = checkpoints_ != nullptr && checkpoints_->stops();
    if (!stops_soon) rank_.evaluations().catch_up(rank_.waiting());
    if (checkpoints_ != nullptr && checkpoints_->after_action(decision->updates))
      return Ending::stopped;
  }
  walk_.finish(*this);
  return Ending::done;
}

/// In every pipeline that this rank hosts the stage of.
template <class T>
void Replay<T>::snapshot(int stage, double time) {
  for (int pipeline = 0; pipeline < rank_.hosting().pipelines(); ++pipeline) {
    int const local_stage = rank_.hosting().local_stage({pipeline, stage});
    if (local_stage >= 0) rank_.pin(local_stage, time);
  }
}

template <class T>
void Replay<T>::stale_read(int stage, StaleReadSnapshot const& snapshot) {
  int const local_stage = rank_.hosting().local_stage({0, stage});
  if (local_stage < 0) return;
  Stage<T>& own = rank_.stage(local_stage);
  own.rows().sample_stale_read(snapshot, own.weights());
}

template <class T>
void Replay<T>::forks() {
  if (checkpoints_ != nullptr) checkpoints_->before_fork();
}

/// All pipelines keep to one plan.
template <class T>
void Replay<T>::action(plan::Decision const& decision, std::span<plan::PlannedStep const> applied) {
  for (int pipeline = 0; pipeline < rank_.hosting().pipelines(); ++pipeline) {
    Seat const seat{pipeline, decision.action.stage};
    rank_.waiting().plan(rank_.hosting().rank_of(seat), decision.action);
    int const local_stage = rank_.hosting().local_stage(seat);
    if (local_stage < 0) continue;
    Stage<T>& own = rank_.stage(local_stage);
    rank_.run(own, decision, 0);
    if (decision.updates) own.rows().record(applied);
    if (decision.ends && seat == Seat{0, 0}) rank_.trained(decision.passes.back().microbatch + 1);
  }
  if (decision.updates) rank_.average(decision);
}

template class Replay<float>;
template class Replay<double>;

}  // namespace quartic::engine
