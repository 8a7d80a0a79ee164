// Run's other order: its workers act on what has arrived, not on a plan.
#include <vector>

#include "quartic/engine/run.hpp"

namespace quartic::engine {

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

template void Run<float>::act_on_arrival();
template void Run<double>::act_on_arrival();

}  // namespace quartic::engine
