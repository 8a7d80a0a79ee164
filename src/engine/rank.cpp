#include "quartic/engine/rank.hpp"

#include <sys/resource.h>

#include <utility>

namespace quartic::engine {
namespace {

template <class T>
std::vector<MessageBytes> message_bytes(std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                                        Hosting const& hosting, StageSettings const& settings) {
  std::vector<MessageBytes> all(static_cast<std::size_t>(settings.stages));
  for (std::size_t i = 0; i < hosted.size(); ++i) {
    nn::Block<T> const& block = *hosted[i];
    auto const stage = static_cast<std::size_t>(hosting.seats()[i].stage);
    nn::Sizes const sizes = block.sizes(settings.microbatch_size);
    auto const bytes = [](std::int64_t elements) {
      return static_cast<std::size_t>(elements) * sizeof(T);
    };
    all[stage].pass = bytes(sizes.output);
    all[stage].sweep = StageEvaluation<T>::bytes_above(block);
    all[stage].sweep_scores = StageEvaluation<T>::bytes_of_scores(block);
    all[stage].weights = bytes(block.parameter_count());
    if (stage == 0) continue;
    all[stage - 1].pass = bytes(sizes.input);
    all[stage - 1].sweep = StageEvaluation<T>::bytes_below(block);
    all[stage - 1].sweep_scores = StageEvaluation<T>::bytes_of_scores(block);
  }
  return all;
}

plan::StagePeak peak_of(RunSettings const& settings, int stage) {
  return settings.peaks.empty() ? plan::StagePeak{}
                                : settings.peaks[static_cast<std::size_t>(stage)];
}

}  // namespace

template <class T>
Rank<T>::Rank(comm::Communicator& communicator, plan::Rules const& rules,
              RunSettings const& settings, std::vector<std::unique_ptr<nn::Block<T>>> hosted,
              RecordSink& sink, std::int64_t start_ns)
    : communicator_(communicator),
      rules_(rules),
      settings_(settings),
      hosting_(rules, settings.averaging.pipelines, communicator.size(), communicator.rank()),
      alarm_(communicator),
      clock_(communicator, start_ns),
      bulletin_(communicator, hosting_.rank_of({0, rules.shape.stages - 1}), settings.watcher),
      recorder_(sink, static_cast<int>(hosted.size()), settings.trace_every, &bulletin_),
      links_(std::make_unique<Links>(communicator, hosting_,
                                     message_bytes(hosted, hosting_, settings.stage),
                                     settings.journey)),
      evaluations_(clock_, settings.watcher != nullptr),
      waiting_(communicator, clock_, settings.patience_ns, [this] { return work(); }) {
  for (int stage = 0; stage < rules.shape.stages; ++stage)
    averagings_.emplace_back(settings.averaging, rules.replicas);
  for (auto& block : hosted) {
    Seat const seat = hosting_.seats()[stages_.size()];
    StageSite const site{seat, stages(), links_->of(seat), peak_of(settings, seat.stage)};
    stages_.push_back(std::make_unique<Stage<T>>(site, std::move(block), rules, settings.stage,
                                                 RankServices{clock_, recorder_, *this}));
    averaging(seat.stage).start_from(*stages_.back());
    evaluations_.add(*stages_.back(), settings.stage.stages, settings.averaging.pipelines,
                     recorder_);
  }
}

/// Called while the rank waits, and between the layers of a pass.
template <class T>
void Rank<T>::beat() {
  links_->progress();
  if (auto const call = alarm_.heard()) {
    diverged_elsewhere_ = true;
    throw Divergence(call->stage, call->microbatch, "another rank has diverged");
  }
}

template <class T>
void Rank<T>::report(Divergence const& divergence) {
  if (!diverged_elsewhere_) alarm_.ring(divergence.stage, divergence.microbatch);
  recorder_.flush();
}

/// While the rank waits; true where it has evaluated.
template <class T>
bool Rank<T>::work() {
  beat();
  bool const evaluates = evaluations_.progress();
  show();
  recorder_.flush_when_due(clock_.now_ns());
  return evaluates;
}

template <class T>
void Rank<T>::start_from(int local_stage, std::span<T const> weights) {
  Stage<T>& own = stage(local_stage);
  own.weights().start_from(weights);
  averaging(own.seat().stage).start_from(own);
}

template <class T>
void Rank<T>::run(Stage<T>& stage, plan::Decision const& decision, std::int64_t waited_ns) {
  plan::Action action = decision.action;
  for (std::size_t i = 0; i < decision.passes.size(); ++i) {
    action.microbatch = decision.passes[i].microbatch;
    stage.run(decision, i, await(stage, action) + (i == 0 ? waited_ns : 0));
  }
}

/// Waits for the input of an action. Returns how long, in nanoseconds.
template <class T>
std::int64_t Rank<T>::await(Stage<T>& stage, plan::Action const& action) {
  if (stage.ready(action.kind)) return 0;
  int const sender = action.stage + (action.kind == plan::Kind::forward ? -1 : 1);
  Wait const wait{{action.kind, sender, action.microbatch},
                  hosting_.rank_of({stage.seat().pipeline, sender})};
  std::int64_t const begin_ns = clock_.now_ns();
  while (!stage.ready(action.kind)) waiting_.idle(wait, begin_ns);
  waiting_.goes_on();
  std::int64_t const waited_ns = clock_.now_ns() - begin_ns;
  stage.rows().add_wait(action.kind, waited_ns);
  return waited_ns;
}

/// First averages the replica's copies in all pipelines, then, at the end of a round, the replicas.
/// Where both are due a round therefore ends with equal weights everywhere.
template <class T>
void Rank<T>::average(plan::Decision const& decision) {
  if (settings_.averaging.pipelines == 1 && !decision.averages) return;
  int const index = decision.action.stage;
  copies_.clear();
  for (int pipeline = 0; pipeline < hosting_.pipelines(); ++pipeline) {
    int const local_stage = hosting_.local_stage({pipeline, index});
    if (local_stage >= 0) copies_.push_back(&stage(local_stage));
  }
  if (copies_.empty()) return;
  average_pipelines(decision, averaging(index));
  if (!decision.averages) return;
  for (Stage<T>* const copy : copies_) {
    copy->average_replicas(decision.passes.back().microbatch);
    averaging(index).start_from(*copy);
  }
}

template <class T>
void Rank<T>::average_pipelines(plan::Decision const& decision, Averaging<T>& averaging) {
  plan::Pass const& last = decision.passes.back();
  int const replica = last.read.replica;
  Stage<T> const& first = *copies_.front();
  if (!averaging.due(first.weights().version(replica))) return;
  std::int64_t const begin_ns = clock_.now_ns();
  averaging.average(copies_, replica, [&] { waiting_.idle({}, begin_ns); });
  waiting_.goes_on();
  // Equal everywhere, and said once.
  if (first.seat().pipeline == 0) first.require_finite_average(replica, last.microbatch);
}

template <class T>
void Rank<T>::pin(int local_stage, double plan_time) {
  evaluations_.pin(local_stage, plan_time, stage(local_stage).weights());
}

template <class T>
void Rank<T>::trained(std::int64_t microbatches) {
  trained_ = microbatches;
  show();
}

/// The watcher's rank hosts stage 0.
template <class T>
void Rank<T>::show() {
  bulletin_.progress();
  if (settings_.watcher == nullptr) return;
  Standing standing{.wall_ns = clock_.now_ns(), .microbatches = trained_};
  evaluations_.describe(standing);
  settings_.watcher->stands(standing);
}

template <class T>
void Rank<T>::close() {
  bulletin_.close();
  waiting_.until([&] { return bulletin_.done(); });
  waiting_.until([&] { return links_->drained(); });
  recorder_.flush();
}

template <class T>
MemoryRow Rank<T>::memory() const {
  MemoryRow row = settings_.planned;
  row.rank = communicator_.rank();
  for (auto const& stage : stages_) {
    std::int64_t const bytes = stage->weights().bytes_of_one();
    row.weights_bytes += bytes;
    row.stashes_bytes += bytes * (stage->weights().peak_copies() - 1);
    row.activations_bytes += stage->peak_activation_bytes();
    row.buffers_bytes += stage->buffer_bytes();
    row.others_bytes += stage->rows().copy_bytes() - stage->peak_input_bytes();
  }
  for (Averaging<T> const& averaging : averagings_) row.buffers_bytes += averaging.bytes();
  row.others_bytes += evaluations_.bytes() + static_cast<std::int64_t>(links_->bytes());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  row.resident_bytes = usage.ru_maxrss * 1024;  // Linux gives KiB
  return row;
}

template <class T>
void Rank<T>::state(int local_stage, Archive& archive, InTransit const& coming) {
  Stage<T>& own = stage(local_stage);
  own.state(archive, coming);
  if (own.seat().pipeline > 0) return;
  evaluations_.state(local_stage, archive);
  averaging(own.seat().stage).state(archive);
}

template class Rank<float>;
template class Rank<double>;

}  // namespace quartic::engine
