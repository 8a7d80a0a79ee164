#include "quartic/plan/planner.hpp"

#include <algorithm>
#include <numeric>

#include "quartic/core/check.hpp"

namespace quartic::plan {

Planner::Planner(Rules const& rules, Cost const& cost)
    : rules_(rules),
      cost_(cost),
      views_(static_cast<std::size_t>(rules.shape.stages)),
      stages_(static_cast<std::size_t>(rules.shape.stages)),
      actions_done_(static_cast<std::size_t>(rules.workers)),
      decisions_(rules.workers),
      busy_(static_cast<std::size_t>(rules.workers)),
      entered_(std::min(rules.shape.microbatches, rules.schedule->largest_in_pipeline())),
      block_updates_of_(static_cast<std::size_t>(rules.replicas)) {
  place_stages();
  for (int s = 0; s < rules.shape.stages; ++s) {
    view(s).stage = s;
    stage(s).activations_allowed = rules.schedule->activations(s);
    stage(s).ledgers.resize(static_cast<std::size_t>(rules.replicas));
    stage(s).copies = rules.replicas;
  }
  view(0).forward_ready = entered_;
  for (int worker = 0; worker < rules.workers; ++worker) decisions_.set(worker, 0);
}

/// The views of one worker's stages lie side by side, ascending.
void Planner::place_stages() {
  first_.resize(static_cast<std::size_t>(rules_.workers) + 1);
  for (int s = 0; s < rules_.shape.stages; ++s) {
    int const worker = rules_.worker_of(s);
    if (worker < 0 || worker >= rules_.workers)
      failure("stage {} is owned by worker {} of {}", s, worker, rules_.workers);
    ++first_[static_cast<std::size_t>(worker) + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (int s = 0; s < rules_.shape.stages; ++s)
    position_.push_back(next[static_cast<std::size_t>(rules_.worker_of(s))]++);
}

std::span<StageView> Planner::hosted(int worker) {
  auto const w = static_cast<std::size_t>(worker);
  return std::span(views_).subspan(first_[w], first_[w + 1] - first_[w]);
}

PlannedAction const* Planner::next() {
  applied_.clear();
  while (batch_next_ == batch_.size()) {
    if (!decide_at_next_time()) return nullptr;
  }
  PlannedAction& planned = batch_[batch_next_++];
  start(planned);
  return &planned;
}

/// False at the end of the plan. All decisions of one time are taken before any of their actions
/// starts: what starts now has no effect on others before it ends.
bool Planner::decide_at_next_time() {
  batch_.clear();
  batch_next_ = 0;
  now_ = decisions_.time();
  if (now_ == EarliestFirst::never) {
    if (workers_done_ < rules_.workers) report_deadlock();
    return false;
  }
  for (; !last_updates_.empty() && last_updates_.front() <= now_; ++committed_) last_updates_.pop();
  while (decisions_.time() == now_) decide(decisions_.earliest());
  if (rules_.workers < rules_.shape.stages) {
    std::sort(batch_.begin(), batch_.end(), [](PlannedAction const& a, PlannedAction const& b) {
      return a.action.stage < b.action.stage;
    });
  }
  return true;
}

void Planner::decide(int worker) {
  auto const w = static_cast<std::size_t>(worker);
  busy_[w] = false;
  receive_arrivals(worker);
  Action const action =
      rules_.schedule->next({worker, rules_.workers, rules_.shape.stages, rules_.shape.microbatches,
                             actions_done_[w], hosted(worker)});
  if (action.kind == Kind::done) {
    ++workers_done_;
    decisions_.set(worker, EarliestFirst::never);
  } else if (action.kind == Kind::wait || !ready(action)) {
    decisions_.set(worker, next_arrival(worker));
  } else {
    busy_[w] = true;
    decisions_.set(worker, EarliestFirst::never);
    batch_.push_back({.action = action, .worker = worker, .begin = now_});
  }
}

bool Planner::ready(Action const& action) {
  StageView const& at = view(action.stage);
  std::int64_t expected = at.weight_backwards;
  std::int64_t available = at.backwards;
  if (action.kind == Kind::forward) {
    expected = at.forwards;
    available = at.forward_ready;
  } else if (action.kind != Kind::backward_weight) {
    expected = at.backwards;
    available = at.backward_ready - (action.count - 1);
  }
  if (action.microbatch != expected) {
    failure("the schedule chose {}, but the next action of this kind at this stage is {}",
            to_text(action), to_text({action.kind, action.stage, expected}));
  }
  return available > expected;
}

void Planner::receive_arrivals(int worker) {
  for (StageView& at : hosted(worker)) {
    Stage& own = stage(at.stage);
    for (; !own.forward_arrivals.empty() && own.forward_arrivals.front() <= now_;
         ++at.forward_ready) {
      own.forward_arrivals.pop();
    }
    for (; !own.backward_arrivals.empty() && own.backward_arrivals.front() <= now_;
         ++at.backward_ready) {
      own.backward_arrivals.pop();
    }
  }
}

Ticks Planner::next_arrival(int worker) {
  Ticks earliest = EarliestFirst::never;
  for (StageView const& at : hosted(worker)) {
    Stage const& own = stage(at.stage);
    if (!own.forward_arrivals.empty()) earliest = std::min(earliest, own.forward_arrivals.front());
    if (!own.backward_arrivals.empty())
      earliest = std::min(earliest, own.backward_arrivals.front());
  }
  return earliest;
}

void Planner::arrive(IndexedRing<Ticks>& arrivals, int stage, Ticks time) {
  arrivals.push(time);
  int const worker = rules_.worker_of(stage);
  bool const idle = !busy_[static_cast<std::size_t>(worker)];
  if (idle && time < decisions_.time_of(worker)) decisions_.set(worker, time);
}

void Planner::send(IndexedRing<Ticks>& arrivals, int from, int to, Ticks end) {
  bool const by_message = rules_.worker_of(from) != rules_.worker_of(to);
  arrive(arrivals, to, end + (by_message ? cost_.hop() : 0));
}

void Planner::start(PlannedAction& planned) {
  if (__builtin_add_overflow(now_, cost_.duration(planned.action), &planned.end)) {
    failure("plan time overflows at {} after {:g} units; use fewer microbatches or smaller costs",
            to_text(planned.action), to_units(now_));
  }
  makespan_ = std::max(makespan_, planned.end);
  ++actions_done_[static_cast<std::size_t>(planned.worker)];
  reads_.clear();
  if (planned.action.kind == Kind::forward) {
    start_forward(planned);
  } else {
    if (planned.action.kind != Kind::backward_weight) start_backward_input(planned);
    if (planned.action.kind != Kind::backward_input) start_backward_weight(planned);
  }
  planned.reads = reads_;
  keep_needed(planned);
  Ticks const averaging = planned.averages ? cost_.average() : 0;
  makespan_ = std::max(makespan_, planned.end + averaging);
  decisions_.set(planned.worker, planned.end + averaging);
}

void Planner::report_deadlock() {
  constexpr int reported = 8;
  std::string report =
      fmt::format("deadlock at plan time {:g}: no worker can continue", to_units(makespan_));
  for (int worker = 0; worker < std::min(rules_.workers, reported); ++worker) {
    for (StageView const& at : hosted(worker)) {
      report +=
          fmt::format("; stage {}: {} forwards of {} arrived, {} backwards of {} arrived", at.stage,
                      at.forwards, at.forward_ready, at.backwards, at.backward_ready);
    }
  }
  failure("{}", report);
}

}  // namespace quartic::plan
