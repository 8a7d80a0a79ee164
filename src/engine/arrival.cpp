// Run's other order: its workers act on what has arrived, not on a plan.
#include <algorithm>
#include <vector>

#include "quartic/engine/run.hpp"

namespace quartic::engine {

template <class T>
std::vector<typename Run<T>::ArrivalWorker> Run<T>::arrival_workers() const {
  std::vector<ArrivalWorker> workers;
  for (std::size_t place = 0; place < stages_.size(); ++place) {
    int const worker = rules_.worker_of(stages_[place]->seat().stage);
    auto const same = [&](ArrivalWorker const& known) { return known.worker == worker; };
    auto known = std::find_if(workers.begin(), workers.end(), same);
    if (known == workers.end()) known = workers.insert(known, {.worker = worker});
    known->places.push_back(static_cast<int>(place));
    known->views.emplace_back();
    known->last_tags.emplace_back();
  }
  return workers;
}

template <class T>
void Run<T>::act_on_arrival() {
  std::vector<ArrivalWorker> workers = arrival_workers();
  show();
  for (int place = 0; place < static_cast<int>(stages_.size()); ++place) pin(place, undefined);
  std::int64_t idle_ns = 0;
  std::int64_t last_act_ns = clock_.now_ns();
  auto const is_done = [](ArrivalWorker const& worker) { return worker.done; };
  while (!std::all_of(workers.begin(), workers.end(), is_done)) {
    bool acted = false;
    for (ArrivalWorker& worker : workers) acted |= !worker.done && act(worker, idle_ns);
    if (acted) {
      watchdog_.goes_on();
      last_act_ns = clock_.now_ns();
    } else {
      std::int64_t const begin_ns = clock_.now_ns();
      idle({}, last_act_ns);
      idle_ns += clock_.now_ns() - begin_ns;
    }
    evaluate_what_is_overdue();
  }
}

/// One action of one worker, if it has one to do now.
template <class T>
bool Run<T>::act(ArrivalWorker& worker, std::int64_t idle_ns) {
  for (std::size_t i = 0; i < worker.places.size(); ++i) {
    worker.views[i] = stage(worker.places[i]).view();
  }
  plan::Action const action =
      rules_.schedule->next({worker.worker, rules_.workers, rules_.shape.stages,
                             rules_.shape.microbatches, worker.actions_done, worker.views});
  worker.done = action.kind == plan::Kind::done;
  if (worker.done || action.kind == plan::Kind::wait) return worker.done;
  if (!stage(hosting_.place_of({0, action.stage})).ready(action.kind)) return false;
  std::int64_t const waited = idle_ns - worker.idle_before_ns;
  worker.idle_before_ns = idle_ns;
  act(worker, action, waited);
  ++worker.actions_done;
  idle_polls_ = 0;
  return true;
}

template <class T>
void Run<T>::act(ArrivalWorker& worker, plan::Action const& action, std::int64_t waited_ns) {
  int const place = hosting_.place_of({0, action.stage});
  Stage<T>& at = stage(place);
  plan::Decision const decision = decide(worker, action);
  std::int64_t const last = decision.passes.back().microbatch;
  at.rows().add_wait(action.kind, waited_ns);
  run_passes(at, decision, waited_ns);
  if (decision.ends && action.stage == 0) {
    trained_ = last + 1;
    show();
  }
  if (!decision.updates) return;
  if (decision.averages) at.average_replicas(last);
  at.rows().record({});
  pin_arrival_cut(at);
}

/// What the planner would decide, from what has arrived.
template <class T>
plan::Decision Run<T>::decide(ArrivalWorker& worker, plan::Action const& action) {
  int const place = hosting_.place_of({0, action.stage});
  auto const own = static_cast<std::size_t>(
      std::find(worker.places.begin(), worker.places.end(), place) - worker.places.begin());
  Stage<T> const& at = stage(place);
  plan::StageView& view = worker.views[own];
  bool const is_forward = action.kind == plan::Kind::forward;
  if (is_forward) worker.last_tags[own] = at.next_tags();
  plan::Decision decision{.action = action, .worker = worker.worker};
  auto const known = [&](std::int64_t j) {
    if (is_forward) return plan::Decider::Known{worker.last_tags[own], {}};
    return plan::Decider::Known{at.held(j).tags, at.held(j).read};
  };
  decider_.decide(decision, view, known, nullptr);
  std::int64_t const last = decision.passes.back().microbatch;
  if (decision.updates)
    decision.rate = rules_.updates->rate(at.update_view(action.microbatch, last));
  view.forwards += is_forward ? 1 : 0;
  if (action.kind == plan::Kind::backward || action.kind == plan::Kind::backward_input)
    view.backwards += action.count;
  if (!is_forward && decision.ends) view.weight_backwards += action.count;
  view.updates += decision.updates ? 1 : 0;
  decision.oldest_needed =
      rules_.versions->oldest_needed({view, action.microbatch, worker.last_tags[own], {}});
  return decision;
}

/// On arrival a cut is a marker update: each stage pins once it has made it.
template <class T>
void Run<T>::pin_arrival_cut(Stage<T>& stage) {
  std::int64_t const versions = stage.weights().versions();
  std::int64_t const last = rules_.shape.microbatches / rules_.shape.accumulate;
  std::int64_t const every = settings_.cuts.every_steps > 0
                                 ? settings_.cuts.every_steps
                                 : settings_.cuts.every_updates / rules_.shape.stages;
  if (versions == last || (every > 0 && versions % every == 0))
    pin(hosting_.place_of(stage.seat()), undefined);
}

template void Run<float>::act_on_arrival();
template void Run<double>::act_on_arrival();

}  // namespace quartic::engine
