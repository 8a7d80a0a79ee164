#include "quartic/engine/run.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "quartic/comm/tags.hpp"
#include "quartic/core/check.hpp"
#include "quartic/engine/gather_rows.hpp"

namespace quartic::engine {
namespace {

/// Complete batches of cuts that may wait before evaluation goes ahead of training.
constexpr std::int64_t batches_ahead = 4;
/// Cuts of another pipeline that may be on their way before its training waits.
constexpr std::int64_t pins_ahead = 8;
/// In the shortest round: by so much the ranks may be apart, which do not keep the plan's time.
constexpr std::int64_t slots_a_round = 4;

template <class T>
std::vector<MessageBytes> message_bytes(std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                                        Hosting const& hosting, StageSettings const& settings) {
  std::vector<MessageBytes> all(static_cast<std::size_t>(settings.stages));
  for (std::size_t place = 0; place < hosted.size(); ++place) {
    nn::Block<T> const& block = *hosted[place];
    auto const stage = static_cast<std::size_t>(hosting.seats()[place].stage);
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
Run<T>::Run(comm::Communicator& communicator, plan::Rules const& rules, plan::Cost const& cost,
            RunSettings const& settings, std::vector<std::unique_ptr<nn::Block<T>>> hosted,
            RecordSink& sink, CheckpointStore* checkpoints, std::unique_ptr<PlanWalk> resumed)
    : communicator_(communicator),
      rules_(rules),
      cost_(cost),
      settings_(settings),
      hosting_(rules, settings.averaging.pipelines, communicator.size(), communicator.rank()),
      planned_(static_cast<std::size_t>(communicator.size())),
      alarm_(communicator),
      clock_(communicator, resumed ? resumed->here().wall_ns : 0),
      bulletin_(communicator, hosting_.rank_of({0, rules.shape.stages - 1}), settings.watcher),
      recorder_(sink, static_cast<int>(hosted.size()), settings.trace_every, &bulletin_),
      links_(std::make_unique<Links>(communicator, hosting_,
                                     message_bytes(hosted, hosting_, settings.stage),
                                     settings.journey)),
      decider_(rules),
      walk_(resumed ? std::move(resumed)
                    : std::make_unique<PlanWalk>(rules, cost, settings.cuts,
                                                 settings.stage.stale_read_every,
                                                 settings.checkpoints.longer)),
      checkpoints_(checkpoints),
      rounds_(communicator, slots_a_round * rules.workers),
      meeting_(communicator, comm::Tag::meeting),
      watchdog_(communicator, settings.patience_ns, planned_),
      oversubscribed_(communicator.ranks_on_node() >
                      static_cast<int>(std::thread::hardware_concurrency())) {
  for (int stage = 0; stage < rules.shape.stages; ++stage)
    averagings_.emplace_back(settings.averaging, rules.replicas);
  for (auto& block : hosted) {
    int const place = static_cast<int>(stages_.size());
    Seat const seat = hosting_.seats()[stages_.size()];
    StageLinks const& links = links_->of(seat);
    stages_.push_back(std::make_unique<Stage<T>>(
        StageSite{seat, place, links, peak_of(settings, seat.stage)}, std::move(block), rules,
        settings.stage, RankServices{clock_, recorder_, *this}));
    averagings_[static_cast<std::size_t>(seat.stage)].start_from(*stages_.back());
    if (seat.pipeline == 0) {
      evaluations_.emplace_back(place, seat.stage, settings.stage.stages,
                                settings.averaging.pipelines, stages_.back()->block(), links,
                                recorder_);
    } else {
      pin_chains_.emplace_back(links);
    }
  }
}

template <class T>
Run<T>::~Run() = default;

/// Called while the rank waits, and between the layers of a pass.
template <class T>
void Run<T>::beat() {
  links_->progress();
  if (auto const call = alarm_.heard()) {
    alarmed_ = true;
    throw Divergence(call->stage, call->microbatch, "another rank has diverged");
  }
}

template <class T>
void Run<T>::start_from(int place, std::span<T const> weights) {
  Stage<T>& own = stage(place);
  own.weights().start_from(weights);
  averagings_[static_cast<std::size_t>(own.seat().stage)].start_from(own);
}

template <class T>
Ending Run<T>::execute() {
  try {
    if (settings_.order == Order::arrival)
      act_on_arrival();
    else if (replay() == Ending::stopped)
      return Ending::stopped;
    return finish();
  } catch (Divergence const& divergence) {
    if (!alarmed_) alarm_.ring(divergence.stage, divergence.microbatch);
    recorder_.flush();
    throw;
  }
}

/// Until the input of an action is there; how long that took.
template <class T>
std::int64_t Run<T>::await(Stage<T>& stage, plan::Action action) {
  if (stage.ready(action.kind)) return 0;
  int const sender = action.stage + (action.kind == plan::Kind::forward ? -1 : 1);
  Wait const wait{{action.kind, sender, action.microbatch},
                  hosting_.rank_of({stage.seat().pipeline, sender})};
  std::int64_t const begin_ns = clock_.now_ns();
  while (!stage.ready(action.kind)) idle(wait, begin_ns);
  watchdog_.goes_on();
  idle_polls_ = 0;
  std::int64_t const waited = clock_.now_ns() - begin_ns;
  stage.rows().add_wait(action.kind, waited);
  return waited;
}

template <class T>
void Run<T>::idle(Wait const& wait, std::int64_t since_ns) {
  beat();
  bool const evaluates = evaluate();
  show();
  std::int64_t const now_ns = clock_.now_ns();
  recorder_.flush_when_due(now_ns);
  if (evaluates) {
    watchdog_.works(now_ns);
    return;
  }
  watchdog_.waits(wait, since_ns, now_ns);
  give_way();
}

/// Yields; where ranks share cores, a rank that has waited long sleeps between looks, because one
/// that only yields still takes its share of the core from those that compute.
template <class T>
void Run<T>::give_way() {
  constexpr int patient_polls = 50;
  constexpr auto nap = std::chrono::microseconds(100);
  if (oversubscribed_ && ++idle_polls_ > patient_polls) {
    std::this_thread::sleep_for(nap);
  } else {
    std::this_thread::yield();
  }
}

template <class T>
void Run<T>::pin(int place, double plan_time) {
  StageWeights<T>& weights = stage(place).weights();
  auto const at = static_cast<std::size_t>(place);
  if (at < evaluations_.size()) {
    evaluations_[at].pin({plan_time, clock_.now_ns()}, weights.model(), weights.versions());
  } else {
    pin_chains_[at - evaluations_.size()].pin(weights.model());
  }
}

template <class T>
bool Run<T>::evaluate() {
  std::int64_t const begin_ns = settings_.watcher == nullptr ? 0 : clock_.now_ns();
  bool any = false;
  for (PinChain<T>& chain : pin_chains_) any |= chain.progress();
  for (StageEvaluation<T>& evaluation : evaluations_) any |= evaluation.progress();
  if (any && settings_.watcher != nullptr) evaluating_ns_ += clock_.now_ns() - begin_ns;
  return any;
}

/// The watcher's rank hosts stage 0.
template <class T>
void Run<T>::show() {
  bulletin_.progress();
  if (settings_.watcher == nullptr) return;
  StageEvaluation<T> const& evaluation = evaluations_.front();
  settings_.watcher->stands({.wall_ns = clock_.now_ns(),
                             .microbatches = trained_,
                             .snapshots = evaluation.pinned(),
                             .passes_a_snapshot = evaluation.sweeps_a_cut(),
                             .rows_a_pass = evaluation.rows_a_sweep(),
                             .passes = evaluation.swept(),
                             .passes_left = evaluation.sweeps_left(),
                             .evaluating_ns = evaluating_ns_});
}

/// Blocks only once every stage of this rank has passed the overdue cuts: all that ends before them
/// is then done here, so other ranks need nothing more from this one to pass them too.
template <class T>
void Run<T>::evaluate_what_is_overdue() {
  if (checkpoints_ != nullptr && settings_.checkpoints.stops()) return;  // soon, at all ranks
  auto const overdue = [](auto const& evaluation) { return evaluation.pending() > batches_ahead; };
  auto const far_ahead = [](PinChain<T>& chain) { return chain.outstanding() > pins_ahead; };
  if (evaluations_.empty()) {
    wait_until([&] { return !std::all_of(pin_chains_.begin(), pin_chains_.end(), far_ahead); });
    return;
  }
  std::int64_t begin_ns = -1;
  while (std::all_of(evaluations_.begin(), evaluations_.end(), overdue)) {
    if (begin_ns < 0) begin_ns = clock_.now_ns();
    std::int64_t cuts = 0;
    for (StageEvaluation<T> const& evaluation : evaluations_) {
      cuts = std::max(cuts, evaluation.complete_cuts());
    }
    auto const behind = [&](PinChain<T> const& chain) { return chain.cuts() < cuts; };
    if (std::any_of(pin_chains_.begin(), pin_chains_.end(), behind)) {
      evaluate();  // what can be done; the training has to go on
      return;
    }
    idle({}, begin_ns);
  }
  if (begin_ns >= 0) watchdog_.goes_on();
}

template <class T>
bool Run<T>::evaluation_pending() const {
  auto const pending = [](auto const& evaluation) { return evaluation.pending() > 0; };
  return std::any_of(evaluations_.begin(), evaluations_.end(), pending) ||
         std::any_of(pin_chains_.begin(), pin_chains_.end(), pending);
}

template <class T>
Ending Run<T>::finish() {
  wall_ns_ = clock_.now_ns();
  for (StageEvaluation<T>& evaluation : evaluations_) evaluation.close();
  if (checkpoints_ != nullptr && stopped_while_it_evaluates()) return Ending::stopped;
  wait_until([&] { return !evaluation_pending(); });
  bulletin_.close();
  wait_until([&] { return bulletin_.done(); });
  wait_until([&] { return links_->drained(); });
  recorder_.flush();
  evaluated_ns_ = clock_.now_ns();
  if (saved_) commit_now();
  return Ending::done;
}

template <class T>
MemoryRow Run<T>::memory() const {
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
  for (StageEvaluation<T> const& evaluation : evaluations_) row.others_bytes += evaluation.bytes();
  for (PinChain<T> const& chain : pin_chains_) row.others_bytes += chain.bytes();
  row.others_bytes += static_cast<std::int64_t>(links_->bytes());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  row.resident_bytes = usage.ru_maxrss * 1024;  // Linux gives KiB
  return row;
}

template <class T>
RunReport Run<T>::report() const {
  std::vector<StageReport> mine;
  mine.reserve(stages_.size());
  for (auto const& stage : stages_)
    mine.push_back({stage->seat(), stage->rows().totals(), wall_ns_});
  return {gather_rows(communicator_, mine),
          gather_rows<MemoryRow>(communicator_, {memory()}),
          gather_rows<CheckpointTotals>(communicator_, {checkpoint_totals_}),
          settings_.order == Order::plan ? walk_->bubble() : undefined,
          evaluated_ns_ - wall_ns_,
          oversubscribed_};
}

template class Run<float>;
template class Run<double>;

}  // namespace quartic::engine
