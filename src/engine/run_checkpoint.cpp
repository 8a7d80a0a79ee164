// Run's checkpoints: when they are made, and what is in them.
#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/engine/run.hpp"

namespace quartic::engine {

/// After an action of the plan, on every rank at the same positions. Whether the run stops here.
template <class T>
bool Run<T>::checkpoint_when_due(bool updates) {
  if (checkpoints_ == nullptr) return false;
  CheckpointSettings const& settings = settings_.checkpoints;
  Checkpoint const& here = walk_->here();
  bool due =
      updates && settings.every_updates > 0 && here.block_updates % settings.every_updates == 0;
  due |=
      settings.every_steps > 0 && walk_->ends_step() && walk_->steps() % settings.every_steps == 0;
  bool const round = rounds_.due(here.position);
  if (!due && !round) return false;
  std::int64_t const begin_ns = clock_.now_ns();
  bool stops = false;
  if (round) {
    Rounds::Proposal const all = end_round();
    stops = all.stop;
    due = due || all.checkpoint;
    begin_round(due);
  }
  if (due || stops) save(stops);
  if (stops) commit_now();
  checkpoint_totals_.stopped_ns += clock_.now_ns() - begin_ns;
  return stops;
}

/// The last checkpoint that a longer run has too, unless it has just been made, or the run is at
/// its beginning.
template <class T>
void Run<T>::forks() {
  std::int64_t const position = walk_->here().position;
  if (checkpoints_ == nullptr || position == 0 || position == last_saved_) return;
  std::int64_t const begin_ns = clock_.now_ns();
  save(false);
  checkpoint_totals_.stopped_ns += clock_.now_ns() - begin_ns;
}

/// What the ranks have decided.
template <class T>
Rounds::Proposal Run<T>::end_round() {
  wait_until([&] { return rounds_.done(); });
  Rounds::Proposal const all = rounds_.outcome();
  commit_when_written(all.written);
  return all;
}

/// `due`: a checkpoint is made here.
template <class T>
void Run<T>::begin_round(bool due) {
  CheckpointSettings const& settings = settings_.checkpoints;
  std::int64_t const now_ns = clock_.now_ns();
  bool const time = settings.every_ns > 0 && now_ns - last_checkpoint_ns_ >= settings.every_ns;
  rounds_.begin(walk_->here().position, {settings.stops(), time && !due, checkpoints_->written()},
                now_ns);
}

/// Waits for what is part of the cut: evaluations that every stage has come to, and messages in
/// transit, which every rank sends before it comes to the cut itself. A run that stops has no time
/// for evaluations.
template <class T>
void Run<T>::save(bool stops) {
  if (saved_) commit_now();
  if (stops) interrupt_evaluations();
  wait_until([&] { return stops ? has_received() : settled(); });
  recorder_.sync();
  for (std::size_t place = 0; place < stages_.size(); ++place) {
    checkpoints_->save(walk_->here().position, stages_[place]->seat(),
                       [&](Archive& archive) { state(static_cast<int>(place), archive); });
  }
  last_checkpoint_ns_ = clock_.now_ns();
  last_saved_ = walk_->here().position;
  saved_ = walk_->here();
  saved_->wall_ns = last_checkpoint_ns_;
  ++checkpoint_totals_.count;
}

/// After the last action: until all is evaluated, or the run is told to stop. The ranks ask each
/// other now and then.
template <class T>
bool Run<T>::stopped_while_it_evaluates() {
  constexpr std::int64_t look_ns = 200'000'000;
  while (true) {
    std::int64_t const next_ns = clock_.now_ns() + look_ns;
    wait_until([&] { return !evaluation_pending() || clock_.now_ns() >= next_ns; });
    meeting_.propose({settings_.checkpoints.stops() ? 1 : 0, evaluation_pending() ? 1 : 0});
    wait_until([&] { return meeting_.done(); });
    auto const [stops, pending, _, unused] = meeting_.largest();
    if (pending == 0) return false;
    if (stops == 0) continue;
    save(true);
    saved_->wall_ns = wall_ns_;  // the training's
    commit_now();
    return true;
  }
}

/// Every stage takes its part in the sweeps that stage 0 has begun, and no more are.
template <class T>
void Run<T>::interrupt_evaluations() {
  std::int64_t begun = -1;
  for (StageEvaluation<T>& evaluation : evaluations_) {
    evaluation.pause();
    begun = std::max(begun, evaluation.swept());  // the most at stage 0
  }
  meeting_.propose({begun});
  wait_until([&] { return meeting_.done(); });
  std::int64_t const all = meeting_.largest()[0];
  wait_until([&] {
    bool done = true;
    for (StageEvaluation<T> const& evaluation : evaluations_) done &= evaluation.has_swept(all);
    for (PinChain<T> const& chain : pin_chains_) done &= chain.pending() == 0;
    return done;
  });
}

template <class T>
bool Run<T>::has_received() {
  for (auto const& each : stages_) {
    if (!each->received(walk_->transit().to(each->seat().stage))) return false;
  }
  return true;
}

template <class T>
bool Run<T>::settled() {
  if (!has_received()) return false;
  for (StageEvaluation<T> const& evaluation : evaluations_) {
    if (!evaluation.settled()) return false;
  }
  for (PinChain<T> const& chain : pin_chains_) {
    if (chain.pending() > 0) return false;
  }
  return true;
}

template <class T>
void Run<T>::commit_when_written(std::int64_t written) {
  if (!saved_ || written < saved_->position) return;
  if (communicator_.rank() == 0) checkpoints_->commit(*saved_, walk_->fork());
  saved_.reset();
}

/// Collective: every rank comes to the same position.
template <class T>
void Run<T>::commit_now() {
  checkpoints_->finish();
  meet();
  commit_when_written(saved_->position);
  meet();
}

/// Waits until every rank is here. No barrier, for what others need to come here may be this rank's
/// to do: evaluations.
template <class T>
void Run<T>::meet() {
  meeting_.propose({});
  wait_until([&] { return meeting_.done(); });
}

/// What the stages were when the checkpoint was made that the walk has reached.
template <class T>
void Run<T>::restore() {
  Checkpoint const& from = walk_->here();
  for (std::size_t place = 0; place < stages_.size(); ++place) {
    checkpoints_->restore(from.position, stages_[place]->seat(),
                          [&](Archive& archive) { state(static_cast<int>(place), archive); });
  }
  for (std::size_t i = 0; i < pin_chains_.size(); ++i) {
    int const of_stage = stages_[evaluations_.size() + i]->seat().stage;
    pin_chains_[i].restart_after(walk_->cuts().passed(of_stage));
  }
  if (communicator_.rank() == 0) trained_ = stages_.front()->view().weight_backwards;
  rounds_.start_at(from.position);
  last_checkpoint_ns_ = from.wall_ns;
  last_saved_ = from.position;
}

template <class T>
void Run<T>::state(int place, Archive& archive) {
  Stage<T>& own = stage(place);
  own.state(archive, walk_->transit().to(own.seat().stage));
  if (own.seat().pipeline > 0) return;
  evaluations_[static_cast<std::size_t>(place)].state(archive);
  averagings_[static_cast<std::size_t>(own.seat().stage)].state(archive);
}

template bool Run<float>::stopped_while_it_evaluates();
template bool Run<double>::stopped_while_it_evaluates();
template bool Run<float>::checkpoint_when_due(bool);
template bool Run<double>::checkpoint_when_due(bool);
template void Run<float>::forks();
template void Run<double>::forks();
template void Run<float>::restore();
template void Run<double>::restore();
template void Run<float>::commit_now();
template void Run<double>::commit_now();

}  // namespace quartic::engine
