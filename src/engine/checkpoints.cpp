#include "quartic/engine/checkpoints.hpp"

#include "quartic/comm/tags.hpp"

namespace quartic::engine {
namespace {

/// In the shortest period of agreement: so far may ranks be apart, which do not keep the plan's
/// time.
constexpr std::int64_t actions_a_worker = 4;

}  // namespace

template <class T>
Checkpoints<T>::Checkpoints(Rank<T>& rank, plan::Rules const& rules, PlanWalk const& walk,
                            CheckpointStore& store, CheckpointSettings const& settings)
    : rank_(rank),
      walk_(walk),
      store_(store),
      settings_(settings),
      consensus_(rank.communicator(), actions_a_worker * rules.workers),
      meeting_(rank.communicator(), comm::Tag::meeting) {}

template <class T>
void Checkpoints<T>::restore() {
  Checkpoint const& from = walk_.here();
  for (int i = 0; i < rank_.stages(); ++i) {
    Seat const seat = rank_.stage(i).seat();
    store_.restore(from.position, seat, [&](Archive& archive) {
      rank_.state(i, archive, walk_.transit().to(seat.stage));
    });
    if (seat.pipeline > 0)
      rank_.evaluations().restart_after(i, walk_.snapshots().passed(seat.stage));
  }
  consensus_.start_at(from.position);
  last_save_ns_ = from.wall_ns;
  last_saved_ = from.position;
}

template <class T>
bool Checkpoints<T>::due(bool updates) const {
  bool const by_updates = updates && settings_.every_updates > 0 &&
                          walk_.here().block_updates % settings_.every_updates == 0;
  bool const by_steps =
      settings_.every_steps > 0 && walk_.ends_step() && walk_.steps() % settings_.every_steps == 0;
  return by_updates || by_steps;
}

template <class T>
bool Checkpoints<T>::after_action(bool updates) {
  bool saves = due(updates);
  bool const agrees = consensus_.due(walk_.here().position);
  if (!saves && !agrees) return false;
  std::int64_t const begin_ns = rank_.clock().now_ns();
  bool stops = false;
  if (agrees) {
    Consensus::Proposal const all = end_period();
    stops = all.stop;
    saves = saves || all.checkpoint;
    begin_period(saves);
  }
  if (saves || stops) save(stops);
  if (stops) commit_now();
  totals_.stopped_ns += rank_.clock().now_ns() - begin_ns;
  return stops;
}

template <class T>
void Checkpoints<T>::before_fork() {
  std::int64_t const position = walk_.here().position;
  if (position == 0 || position == last_saved_) return;
  std::int64_t const begin_ns = rank_.clock().now_ns();
  save(false);
  totals_.stopped_ns += rank_.clock().now_ns() - begin_ns;
}

/// What the ranks have decided.
template <class T>
Consensus::Proposal Checkpoints<T>::end_period() {
  rank_.waiting().until([&] { return consensus_.done(); });
  Consensus::Proposal const all = consensus_.outcome();
  commit_when_written(all.written);
  return all;
}

/// `due`: a checkpoint is made here.
template <class T>
void Checkpoints<T>::begin_period(bool due) {
  std::int64_t const now_ns = rank_.clock().now_ns();
  bool const is_time = settings_.every_ns > 0 && now_ns - last_save_ns_ >= settings_.every_ns;
  consensus_.begin(walk_.here().position, {stops(), is_time && !due, store_.written()}, now_ns);
}

/// Waits for what is part of the state: evaluations that every stage has come to, and messages in
/// transit, which every rank sends before it comes to this position itself. A run that stops does
/// not wait for evaluations.
template <class T>
void Checkpoints<T>::save(bool stops) {
  if (saved_) commit_now();
  if (stops) interrupt_evaluations();
  rank_.waiting().until([&] { return has_received() && (stops || rank_.evaluations().settled()); });
  rank_.recorder().sync();
  for (int i = 0; i < rank_.stages(); ++i) {
    Seat const seat = rank_.stage(i).seat();
    store_.save(walk_.here().position, seat,
                [&](Archive& archive) { rank_.state(i, archive, walk_.transit().to(seat.stage)); });
  }
  last_save_ns_ = rank_.clock().now_ns();
  last_saved_ = walk_.here().position;
  saved_ = walk_.here();
  saved_->wall_ns = last_save_ns_;
  ++totals_.count;
}

/// The ranks ask each other now and then.
template <class T>
bool Checkpoints<T>::stopped_while_evaluating(std::int64_t wall_ns) {
  constexpr std::int64_t look_ns = 200'000'000;
  Evaluations<T> const& evaluations = rank_.evaluations();
  while (true) {
    std::int64_t const next_ns = rank_.clock().now_ns() + look_ns;
    rank_.waiting().until(
        [&] { return !evaluations.pending() || rank_.clock().now_ns() >= next_ns; });
    meeting_.propose({stops() ? 1 : 0, evaluations.pending() ? 1 : 0});
    rank_.waiting().until([&] { return meeting_.done(); });
    auto const [stops, pending, _, unused] = meeting_.largest();
    if (pending == 0) return false;
    if (stops == 0) continue;
    save(true);
    saved_->wall_ns = wall_ns;
    commit_now();
    return true;
  }
}

/// Every stage takes its part in the passes that stage 0 has begun, and no more are.
template <class T>
void Checkpoints<T>::interrupt_evaluations() {
  meeting_.propose({rank_.evaluations().pause()});
  rank_.waiting().until([&] { return meeting_.done(); });
  std::int64_t const all = meeting_.largest()[0];
  rank_.waiting().until([&] { return rank_.evaluations().has_done(all); });
}

template <class T>
bool Checkpoints<T>::has_received() {
  for (int i = 0; i < rank_.stages(); ++i) {
    Stage<T>& stage = rank_.stage(i);
    if (!stage.received(walk_.transit().to(stage.seat().stage))) return false;
  }
  return true;
}

template <class T>
void Checkpoints<T>::commit_when_written(std::int64_t written) {
  if (!saved_ || written < saved_->position) return;
  if (rank_.communicator().rank() == 0) store_.commit(*saved_, walk_.fork());
  saved_.reset();
}

template <class T>
void Checkpoints<T>::commit_now() {
  store_.finish();
  meet();
  commit_when_written(saved_->position);
  meet();
}

/// Waits until every rank is here. No barrier, for what others need to come here may be this rank's
/// to do: evaluations.
template <class T>
void Checkpoints<T>::meet() {
  meeting_.propose({});
  rank_.waiting().until([&] { return meeting_.done(); });
}

template <class T>
void Checkpoints<T>::finish() {
  if (saved_) commit_now();
}

template class Checkpoints<float>;
template class Checkpoints<double>;

}  // namespace quartic::engine
