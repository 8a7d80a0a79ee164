#include "quartic/engine/evaluations.hpp"

#include <algorithm>

namespace quartic::engine {
namespace {

/// Complete batches of cuts that may wait before evaluation goes ahead of training.
constexpr std::int64_t batches_ahead = 4;
/// Cuts of another pipeline that may be on their way before its training waits.
constexpr std::int64_t pins_ahead = 8;

}  // namespace

template <class T>
void Evaluations<T>::add(Stage<T>& stage, int stages, int pipelines, Recorder& recorder) {
  auto const local_stage = static_cast<int>(stages_.size() + chains_.size());
  if (stage.seat().pipeline == 0) {
    stages_.emplace_back(local_stage, stage.seat().stage, stages, pipelines, stage.block(),
                         stage.links(), recorder);
  } else {
    chains_.emplace_back(stage.links());
  }
}

template <class T>
void Evaluations<T>::pin(int local_stage, double plan_time, StageWeights<T>& weights) {
  auto const at = static_cast<std::size_t>(local_stage);
  if (at < stages_.size()) {
    stages_[at].pin({plan_time, clock_.now_ns()}, weights.model(), weights.versions());
  } else {
    chains_[chain_of(local_stage)].pin(weights.model());
  }
}

template <class T>
void Evaluations<T>::reach(std::int64_t cuts) {
  if (reached_ == cuts) return;
  reached_ = cuts;
  for (StageEvaluation<T>& stage : stages_) stage.reach(cuts);
}

template <class T>
void Evaluations<T>::close() {
  for (StageEvaluation<T>& stage : stages_) stage.close();
}

template <class T>
bool Evaluations<T>::progress() {
  std::int64_t const begin_ns = is_timed_ ? clock_.now_ns() : 0;
  bool any = false;
  for (PinChain<T>& chain : chains_) any |= chain.progress();
  for (StageEvaluation<T>& stage : stages_) any |= stage.progress();
  if (any && is_timed_) evaluating_ns_ += clock_.now_ns() - begin_ns;
  return any;
}

/// Blocks only once every stage of this rank has passed the overdue cuts: all that ends before them
/// is then done here, so other ranks need nothing more from this one to pass them too.
template <class T>
void Evaluations<T>::catch_up(Waiting& waiting) {
  auto const overdue = [](auto const& stage) { return stage.pending() > batches_ahead; };
  auto const far_ahead = [](PinChain<T>& chain) { return chain.outstanding() > pins_ahead; };
  if (stages_.empty()) {
    waiting.until([&] { return !std::all_of(chains_.begin(), chains_.end(), far_ahead); });
    return;
  }
  std::int64_t begin_ns = -1;
  while (std::all_of(stages_.begin(), stages_.end(), overdue)) {
    if (begin_ns < 0) begin_ns = clock_.now_ns();
    std::int64_t cuts = 0;
    for (StageEvaluation<T> const& stage : stages_) cuts = std::max(cuts, stage.complete_cuts());
    auto const behind = [&](PinChain<T> const& chain) { return chain.cuts() < cuts; };
    if (std::any_of(chains_.begin(), chains_.end(), behind)) {
      progress();  // what can be done now; training must continue
      return;
    }
    waiting.idle({}, begin_ns);
  }
  if (begin_ns >= 0) waiting.goes_on();
}

template <class T>
bool Evaluations<T>::pending() const {
  auto const pending = [](auto const& each) { return each.pending() > 0; };
  return std::any_of(stages_.begin(), stages_.end(), pending) ||
         std::any_of(chains_.begin(), chains_.end(), pending);
}

template <class T>
bool Evaluations<T>::settled() const {
  return std::all_of(stages_.begin(), stages_.end(),
                     [](auto const& stage) { return stage.settled(); }) &&
         std::all_of(chains_.begin(), chains_.end(),
                     [](auto const& chain) { return chain.pending() == 0; });
}

template <class T>
std::int64_t Evaluations<T>::pause() {
  std::int64_t begun = -1;
  for (StageEvaluation<T>& stage : stages_) {
    stage.pause();
    begun = std::max(begun, stage.swept());  // the most at stage 0
  }
  return begun;
}

template <class T>
bool Evaluations<T>::has_done(std::int64_t passes) const {
  return std::all_of(stages_.begin(), stages_.end(),
                     [&](auto const& stage) { return stage.has_swept(passes); }) &&
         std::all_of(chains_.begin(), chains_.end(),
                     [](auto const& chain) { return chain.pending() == 0; });
}

template <class T>
void Evaluations<T>::describe(Standing& standing) const {
  StageEvaluation<T> const& first = stages_.front();
  standing.snapshots = first.pinned();
  standing.passes_a_snapshot = first.sweeps_a_cut();
  standing.rows_a_pass = first.rows_a_sweep();
  standing.passes = first.swept();
  standing.passes_left = first.sweeps_left();
  standing.evaluating_ns = evaluating_ns_;
}

template <class T>
std::int64_t Evaluations<T>::bytes() const {
  std::int64_t sum = 0;
  for (StageEvaluation<T> const& stage : stages_) sum += stage.bytes();
  for (PinChain<T> const& chain : chains_) sum += chain.bytes();
  return sum;
}

template <class T>
void Evaluations<T>::state(int local_stage, Archive& archive) {
  stages_[static_cast<std::size_t>(local_stage)].state(archive);
}

template <class T>
void Evaluations<T>::restart_after(int local_stage, std::int64_t cuts) {
  chains_[chain_of(local_stage)].restart_after(cuts);
}

template class Evaluations<float>;
template class Evaluations<double>;

}  // namespace quartic::engine
