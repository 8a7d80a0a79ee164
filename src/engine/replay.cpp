// Run's usual order: it replays the plan.
#include "quartic/engine/run.hpp"

namespace quartic::engine {

template <class T>
Ending Run<T>::replay() {
  if (walk_->here().position > 0) restore();
  show();
  pass_whole_cuts_on();
  while (plan::Decision const* const planned = walk_->step(*this)) {
    pass_whole_cuts_on();
    evaluate_what_is_overdue();
    if (checkpoint_when_due(planned->updates)) return Ending::stopped;
  }
  walk_->finish(*this);
  return Ending::done;
}

/// In every pipeline that this rank hosts the stage of.
template <class T>
void Run<T>::cut(int stage, double time) {
  for (int pipeline = 0; pipeline < hosting_.pipelines(); ++pipeline) {
    int const place = hosting_.place_of({pipeline, stage});
    if (place >= 0) pin(place, time);
  }
}

template <class T>
void Run<T>::stale_read(int stage, StaleReadCut const& cut) {
  int const place = hosting_.place_of({0, stage});
  if (place >= 0) {
    Stage<T>& own = this->stage(place);
    own.rows().sample_stale_read(cut, own.weights());
  }
}

template <class T>
void Run<T>::pass_whole_cuts_on() {
  std::int64_t const whole = walk_->cuts().whole();
  if (passed_on_ == whole) return;
  passed_on_ = whole;
  for (StageEvaluation<T>& evaluation : evaluations_) evaluation.reach(whole);
}

/// All pipelines keep to one plan.
template <class T>
void Run<T>::action(plan::Decision const& planned, std::span<plan::PlannedStep const> applied) {
  auto const [kind, index, microbatch, count] = planned.action;
  for (int pipeline = 0; pipeline < hosting_.pipelines(); ++pipeline) {
    Seat const seat{pipeline, index};
    planned_[static_cast<std::size_t>(hosting_.rank_of(seat))] = planned.action;
    int const place = hosting_.place_of(seat);
    if (place < 0) continue;
    Stage<T>& own = stage(place);
    run_passes(own, planned, 0);
    if (planned.updates) own.rows().record(applied);
    if (planned.ends && place == 0 && index == 0) {
      trained_ = microbatch + count;
      show();
    }
  }
  if (planned.updates) average(planned);
}

/// Runs an action, microbatch by microbatch. `waited_ns`: how long the worker has waited for it.
template <class T>
void Run<T>::run_passes(Stage<T>& stage, plan::Decision const& decision, std::int64_t waited_ns) {
  plan::Action action = decision.action;
  for (std::size_t i = 0; i < decision.passes.size(); ++i) {
    action.microbatch = decision.passes[i].microbatch;
    stage.run(decision, i, await(stage, action) + (i == 0 ? waited_ns : 0));
  }
}

/// After an update: with the copies of the replica in the other pipelines, every so many updates;
/// then, at the end of a round, with the other replicas. So where the two fall together
/// a round ends equal everywhere.
template <class T>
void Run<T>::average(plan::Decision const& planned) {
  if (settings_.averaging.pipelines == 1 && !planned.averages) return;
  int const index = planned.action.stage;
  std::int64_t const last = planned.action.microbatch + planned.action.count - 1;
  int const replica = rules_.replica_of(last);
  copies_.clear();
  for (int pipeline = 0; pipeline < hosting_.pipelines(); ++pipeline) {
    int const place = hosting_.place_of({pipeline, index});
    if (place >= 0) copies_.push_back(&stage(place));
  }
  Averaging<T>& averaging = averagings_[static_cast<std::size_t>(index)];
  if (copies_.empty()) return;
  if (averaging.due(copies_.front()->weights().version(replica))) {
    std::int64_t const begin_ns = clock_.now_ns();
    averaging.average(copies_, replica, [&] { idle({}, begin_ns); });
    watchdog_.goes_on();
    idle_polls_ = 0;
    // Equal everywhere, and said once.
    if (copies_.front()->seat().pipeline == 0)
      copies_.front()->require_finite_average(replica, last);
  }
  if (!planned.averages) return;
  for (Stage<T>* const copy : copies_) {
    copy->average_replicas(last);
    averaging.start_from(*copy);
  }
}

template Ending Run<float>::replay();
template Ending Run<double>::replay();
template void Run<float>::cut(int, double);
template void Run<double>::cut(int, double);
template void Run<float>::stale_read(int, StaleReadCut const&);
template void Run<double>::stale_read(int, StaleReadCut const&);
template void Run<float>::action(plan::Decision const&, std::span<plan::PlannedStep const>);
template void Run<double>::action(plan::Decision const&, std::span<plan::PlannedStep const>);
template void Run<float>::run_passes(Stage<float>&, plan::Decision const&, std::int64_t);
template void Run<double>::run_passes(Stage<double>&, plan::Decision const&, std::int64_t);

}  // namespace quartic::engine
