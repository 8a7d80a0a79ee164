#include "quartic/engine/run.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/engine/gather_rows.hpp"

namespace quartic::engine {
namespace {

/// Complete batches of cuts that may wait before evaluation goes ahead of training.
constexpr std::int64_t batches_ahead = 4;

template <class T>
std::vector<BoundaryBytes> boundaries(std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                                      int first_stage, StageSettings const& settings) {
  std::vector<BoundaryBytes> all(static_cast<std::size_t>(settings.stages - 1));
  for (std::size_t i = 0; i < hosted.size(); ++i) {
    nn::Block<T> const& block = *hosted[i];
    auto const stage = static_cast<std::size_t>(first_stage) + i;
    nn::Sizes const sizes = block.sizes(settings.microbatch_size);
    if (stage > 0) {
      all[stage - 1] = {static_cast<std::size_t>(sizes.input) * sizeof(T),
                        StageEvaluation<T>::bytes_below(block)};
    }
    if (stage < all.size()) {
      all[stage] = {static_cast<std::size_t>(sizes.output) * sizeof(T),
                    StageEvaluation<T>::bytes_above(block)};
    }
  }
  return all;
}

}  // namespace

template <class T>
Run<T>::Run(comm::Communicator& communicator, plan::Rules const& rules, plan::Cost const& cost,
            RunSettings const& settings, std::vector<std::unique_ptr<nn::Block<T>>> hosted,
            RecordSink& sink)
    : communicator_(communicator),
      rules_(rules),
      cost_(cost),
      settings_(settings),
      placement_(rules.workers, communicator.size()),
      alarm_(communicator),
      clock_(communicator),
      recorder_(sink, static_cast<int>(placement_.hosted(communicator.rank()).first),
                static_cast<int>(hosted.size()), settings.trace_every),
      first_stage_(static_cast<int>(placement_.hosted(communicator.rank()).first)),
      links_(std::make_unique<Links>(communicator, placement_, rules.workers,
                                     boundaries(hosted, first_stage_, settings.stage))),
      passed_by_all_(settings.cuts.every_ticks),
      progress_("training", "microbatches", rules.shape.microbatches,
                settings.quiet || communicator.rank() != 0),
      oversubscribed_(communicator.ranks_on_node() >
                      static_cast<int>(std::thread::hardware_concurrency())) {
  for (auto& block : hosted) {
    int const index = first_stage_ + static_cast<int>(stages_.size());
    auto optimizer = nn::make_optimizer<T>(settings.optimizer, block->parameter_count());
    stages_.push_back(std::make_unique<Stage<T>>(index, std::move(block), std::move(optimizer),
                                                 links_->of(index), settings.stage, clock_,
                                                 recorder_, *this));
    evaluations_.emplace_back(index, settings.stage.stages, stages_.back()->block(),
                              links_->of(index), recorder_);
    time_cuts_.emplace_back(settings.cuts.every_ticks);
  }
}

template <class T>
Run<T>::~Run() = default;

template <class T>
bool Run<T>::hosts(int stage) const {
  return first_stage_ <= stage && stage < first_stage_ + static_cast<int>(stages_.size());
}

template <class T>
void Run<T>::beat() {
  if (auto const call = alarm_.heard()) {
    throw Divergence(call->stage, call->microbatch, "the loss or the gradient is not finite");
  }
}

template <class T>
void Run<T>::execute() {
  try {
    settings_.order == Order::plan ? replay() : act_on_arrival();
    finish();
  } catch (Divergence const& divergence) {
    if (hosts(divergence.stage)) alarm_.ring(divergence.stage, divergence.microbatch);
    recorder_.flush();
    throw;
  }
}

template <class T>
void Run<T>::replay() {
  plan::Planner planner(rules_, cost_);
  plan::Ticks busy = 0;
  if (settings_.cuts.every_updates > 0) pin_all(0);
  while (plan::PlannedAction const* planned = planner.next()) {
    busy += planned->end - planned->begin;
    if (settings_.cuts.every_updates == 0) pin_time_cuts(*planned);
    if (hosts(planned->action.stage)) replay(*planned, planner.applied());
    if (settings_.cuts.every_updates > 0 && planned->updates &&
        planner.block_updates() % settings_.cuts.every_updates == 0) {
      pin_all(plan::to_units(planned->end));
    }
    evaluate_what_is_overdue();
  }
  pin_the_end(planner);
  planned_bubble_ = 1 - static_cast<double>(busy) / (static_cast<double>(planner.makespan()) *
                                                     static_cast<double>(rules_.workers));
}

/// Pins what this action's stage has passed, and for all stages the cuts before everything to come.
template <class T>
void Run<T>::pin_time_cuts(plan::PlannedAction const& planned) {
  auto const pass = [&](Stage<T>& stage, plan::Ticks before) {
    time_cuts(stage.index()).pass(before, [&](plan::Ticks time) {
      pin(stage, plan::to_units(time));
    });
  };
  passed_by_all_.pass(planned.begin, [&](plan::Ticks time) {
    for (auto& stage : stages_) pass(*stage, time + 1);
  });
  if (hosts(planned.action.stage)) pass(stage(planned.action.stage), planned.end);
}

template <class T>
void Run<T>::pin_the_end(plan::Planner const& planner) {
  if (settings_.cuts.every_updates > 0) {
    bool const pinned = planner.block_updates() % settings_.cuts.every_updates == 0;
    if (!pinned) pin_all(plan::to_units(planner.makespan()));
    return;
  }
  for (auto& stage : stages_) {
    time_cuts(stage->index()).finish(planner.makespan(), [&](plan::Ticks time) {
      pin(*stage, plan::to_units(time));
    });
  }
}

template <class T>
void Run<T>::pin_all(double plan_time) {
  for (auto& stage : stages_) pin(*stage, plan_time);
}

template <class T>
void Run<T>::replay(plan::PlannedAction const& planned,
                    std::span<plan::PlannedStep const> applied) {
  int const index = planned.action.stage;
  Stage<T>& own = stage(index);
  std::int64_t const waited = await(own, planned.action.kind);
  own.run({planned.action, planned.read, planned.updates, planned.tag, planned.oldest_needed,
           plan::to_units(planned.begin), plan::to_units(planned.end),
           rules_.updates->minibatch(planned.action.microbatch), waited});
  if (!planned.updates) return;
  own.record_steps(applied);
  if (index == 0) progress_.at(planned.action.microbatch + 1);
}

template <class T>
std::int64_t Run<T>::await(Stage<T>& stage, plan::Kind kind) {
  if (stage.ready(kind)) return 0;
  std::int64_t const begin_ns = clock_.now_ns();
  while (!stage.ready(kind)) idle();
  idle_polls_ = 0;
  std::int64_t const waited = clock_.now_ns() - begin_ns;
  stage.waited_ns(kind, waited);
  return waited;
}

template <class T>
void Run<T>::idle() {
  beat();
  if (evaluate()) return;
  recorder_.flush_when_due(clock_.now_ns());
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
void Run<T>::pin(Stage<T>& stage, double plan_time) {
  evaluation(stage.index())
      .pin({plan_time, clock_.now_ns()}, stage.weights().read_live(), stage.weights().live());
}

template <class T>
bool Run<T>::evaluate() {
  bool any = false;
  for (StageEvaluation<T>& evaluation : evaluations_) any |= evaluation.progress();
  return any;
}

/// Blocks only once every stage of this rank has passed the overdue cuts: other ranks then need
/// nothing more from it to pass them too.
template <class T>
void Run<T>::evaluate_what_is_overdue() {
  auto const overdue = [](StageEvaluation<T> const& evaluation) {
    return evaluation.pending() > batches_ahead;
  };
  while (std::all_of(evaluations_.begin(), evaluations_.end(), overdue)) idle();
}

template <class T>
void Run<T>::finish() {
  wall_ns_ = clock_.now_ns();
  for (StageEvaluation<T>& evaluation : evaluations_) evaluation.close();
  auto const unfinished = [](StageEvaluation<T> const& evaluation) {
    return evaluation.pending() > 0;
  };
  while (std::any_of(evaluations_.begin(), evaluations_.end(), unfinished)) idle();
  while (!links_->drained()) idle();
  recorder_.flush();
}

template <class T>
MemoryRow Run<T>::memory() const {
  MemoryRow row;
  row.rank = communicator_.rank();
  for (auto const& stage : stages_) {
    std::int64_t const bytes = stage->block_bytes();
    row.weights_bytes += bytes;
    row.stashes_bytes += bytes * (stage->weights().peak_copies() - 1);
    row.activations_bytes += stage->peak_activation_bytes();
    row.buffers_bytes += stage->buffer_bytes();
  }
  for (StageEvaluation<T> const& evaluation : evaluations_) row.buffers_bytes += evaluation.bytes();
  row.buffers_bytes += static_cast<std::int64_t>(links_->bytes());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  row.resident_bytes = usage.ru_maxrss * 1024;  // Linux gives KiB
  return row;
}

template <class T>
RunReport Run<T>::report() const {
  std::vector<StageReport> mine;
  mine.reserve(stages_.size());
  for (auto const& stage : stages_) mine.push_back({stage->index(), stage->totals(), wall_ns_});
  return {gather_rows(communicator_, mine), gather_rows<MemoryRow>(communicator_, {memory()}),
          planned_bubble_};
}

template class Run<float>;
template class Run<double>;

}  // namespace quartic::engine
