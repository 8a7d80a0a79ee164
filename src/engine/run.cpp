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
void Run<T>::act_on_arrival() {
  std::vector<ArrivalWorker> workers(stages_.size());
  pin_all(undefined);
  std::size_t done = 0;
  std::int64_t idle_ns = 0;
  while (done < workers.size()) {
    bool acted = false;
    done = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (!workers[i].done) acted |= act(*stages_[i], workers[i], idle_ns);
      if (workers[i].done) ++done;
    }
    if (!acted && done < workers.size()) {
      std::int64_t const begin_ns = clock_.now_ns();
      idle();
      idle_ns += clock_.now_ns() - begin_ns;
    }
    evaluate_what_is_overdue();
  }
}

/// One action of one worker, if it has one to do now.
template <class T>
bool Run<T>::act(Stage<T>& stage, ArrivalWorker& worker, std::int64_t idle_ns) {
  plan::StageView const view = stage.view();
  plan::Action const action = rules_.schedule->next({stage.index(),
                                                     rules_.workers,
                                                     rules_.shape.stages,
                                                     rules_.shape.microbatches,
                                                     worker.actions_done,
                                                     {&view, 1}});
  worker.done = action.kind == plan::Kind::done;
  if (worker.done || action.kind == plan::Kind::wait || !stage.ready(action.kind)) return false;
  bool const forward = action.kind == plan::Kind::forward;
  std::int64_t const tag = forward ? stage.next_tag() : stage.tag(action.microbatch);
  plan::PassView const pass{view, action.microbatch, tag,
                            forward ? plan::Read{} : stage.forward_read(action.microbatch)};
  plan::Read const read =
      forward ? rules_.versions->forward(pass) : rules_.versions->backward(pass);
  bool const updates = !forward && action.kind != plan::Kind::backward_input &&
                       rules_.updates->applies_after(stage.index(), action.microbatch);
  if (forward) worker.last_tag = tag;
  plan::StageView after = view;
  after.forwards += forward ? 1 : 0;
  after.updates += updates ? 1 : 0;
  std::int64_t const waited = idle_ns - worker.idle_before_ns;
  worker.idle_before_ns = idle_ns;
  stage.waited_ns(action.kind, waited);
  stage.run({action, read, updates, tag, rules_.versions->oldest_needed(after, worker.last_tag),
             undefined, undefined, rules_.updates->minibatch(action.microbatch), waited});
  ++worker.actions_done;
  idle_polls_ = 0;
  if (!updates) return true;
  stage.record_steps({});
  pin_arrival_cut(stage);
  if (stage.index() == 0) progress_.at(action.microbatch + 1);
  return true;
}

/// On arrival a cut is a marker microbatch: each stage pins once it has applied it.
template <class T>
void Run<T>::pin_arrival_cut(Stage<T>& stage) {
  std::int64_t const versions = stage.weights().live();
  std::int64_t const last = rules_.shape.microbatches / rules_.shape.accumulate;
  std::int64_t const every = settings_.cuts.every_updates / rules_.shape.stages;
  if (versions == last || (every > 0 && versions % every == 0)) pin(stage, undefined);
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
  for (auto const& stage : stages_) mine.push_back({stage->index(), stage->totals(), wall_ns_});
  return {gather_rows(communicator_, mine), gather_rows<MemoryRow>(communicator_, {memory()}),
          planned_bubble_};
}

template class Run<float>;
template class Run<double>;

}  // namespace quartic::engine
