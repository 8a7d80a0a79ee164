#include "quartic/engine/arrival.hpp"

#include <algorithm>

namespace quartic::engine {

template <class T>
Arrival<T>::Arrival(Rank<T>& rank, plan::Rules const& rules, RunSettings const& settings)
    : rank_(rank), rules_(rules), snapshots_(settings.snapshots), decider_(rules) {
  for (int i = 0; i < rank.stages(); ++i) {
    int const number = rules.worker_of(rank.stage(i).seat().stage);
    auto worker = std::find_if(workers_.begin(), workers_.end(),
                               [&](Worker const& known) { return known.number == number; });
    if (worker == workers_.end()) worker = workers_.insert(worker, {.number = number});
    worker->local_stages.push_back(i);
    worker->views.emplace_back();
    worker->last_tags.emplace_back();
  }
}

template <class T>
void Arrival<T>::run() {
  rank_.show();
  for (int i = 0; i < rank_.stages(); ++i) rank_.pin(i, undefined);
  std::int64_t idle_ns = 0;
  std::int64_t last_act_ns = rank_.clock().now_ns();
  auto const is_done = [](Worker const& worker) { return worker.done; };
  while (!std::all_of(workers_.begin(), workers_.end(), is_done)) {
    bool acted = false;
    for (Worker& worker : workers_) acted |= !worker.done && act(worker, idle_ns);
    std::int64_t const now_ns = rank_.clock().now_ns();
    if (acted) {
      rank_.waiting().goes_on();
      last_act_ns = now_ns;
    } else {
      rank_.waiting().idle({}, last_act_ns);
      idle_ns += rank_.clock().now_ns() - now_ns;
    }
    rank_.evaluations().catch_up(rank_.waiting());
  }
}

/// One action of one worker, if it has one to do now.
template <class T>
bool Arrival<T>::act(Worker& worker, std::int64_t idle_ns) {
  for (std::size_t i = 0; i < worker.views.size(); ++i)
    worker.views[i] = rank_.stage(worker.local_stages[i]).view();
  plan::Action const action =
      rules_.schedule->next({worker.number, rules_.workers, rules_.shape.stages,
                             rules_.shape.microbatches, worker.actions_done, worker.views});
  worker.done = action.kind == plan::Kind::done;
  if (worker.done || action.kind == plan::Kind::wait) return worker.done;
  if (!rank_.stage(local_stage(action)).ready(action.kind)) return false;
  std::int64_t const waited_ns = idle_ns - worker.idle_before_ns;
  worker.idle_before_ns = idle_ns;
  act(worker, action, waited_ns);
  ++worker.actions_done;
  return true;
}

template <class T>
void Arrival<T>::act(Worker& worker, plan::Action const& action, std::int64_t waited_ns) {
  Stage<T>& at = rank_.stage(local_stage(action));
  plan::Decision const decision = decide(worker, action);
  std::int64_t const last = decision.passes.back().microbatch;
  at.rows().add_wait(action.kind, waited_ns);
  rank_.run(at, decision, waited_ns);
  if (decision.ends && action.stage == 0) rank_.trained(last + 1);
  if (!decision.updates) return;
  if (decision.averages) at.average_replicas(last);
  at.rows().record({});
  pin_when_due(local_stage(action));
}

/// What the planner would decide, from what has arrived.
template <class T>
plan::Decision Arrival<T>::decide(Worker& worker, plan::Action const& action) {
  auto const own = static_cast<std::size_t>(
      std::find(worker.local_stages.begin(), worker.local_stages.end(), local_stage(action)) -
      worker.local_stages.begin());
  Stage<T> const& at = rank_.stage(local_stage(action));
  plan::StageView& view = worker.views[own];
  bool const is_forward = action.kind == plan::Kind::forward;
  if (is_forward) worker.last_tags[own] = at.next_tags();
  static constexpr plan::Read no_read;
  plan::Decider::Route route;
  auto const known = [&](std::int64_t j) {
    route = decider_.route(j);
    if (is_forward) return plan::Decider::Known{route, worker.last_tags[own], no_read};
    return plan::Decider::Known{route, at.held(j).tags, at.held(j).read};
  };
  plan::Decision decision{.action = action, .worker = worker.number};
  decider_.decide(decision, view, known, nullptr);
  if (decision.updates) {
    std::int64_t const last = decision.passes.back().microbatch;
    decision.rate = rules_.updates->rate(at.update_view(action.microbatch, last));
  }
  view.forwards += is_forward ? 1 : 0;
  if (action.kind == plan::Kind::backward || action.kind == plan::Kind::backward_input)
    view.backwards += action.count;
  if (!is_forward && decision.ends) view.weight_backwards += action.count;
  view.updates += decision.updates ? 1 : 0;
  decision.oldest_needed =
      rules_.versions->oldest_needed({view, action.microbatch, worker.last_tags[own], {}});
  return decision;
}

/// On arrival a snapshot is a marker update: each stage pins once it has made it.
template <class T>
void Arrival<T>::pin_when_due(int local_stage) {
  std::int64_t const versions = rank_.stage(local_stage).weights().versions();
  std::int64_t const last = rules_.shape.microbatches / rules_.shape.accumulate;
  std::int64_t const every = snapshots_.every_steps > 0
                                 ? snapshots_.every_steps
                                 : snapshots_.every_updates / rules_.shape.stages;
  if (versions == last || (every > 0 && versions % every == 0)) rank_.pin(local_stage, undefined);
}

template class Arrival<float>;
template class Arrival<double>;

}  // namespace quartic::engine
