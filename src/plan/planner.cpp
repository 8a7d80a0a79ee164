#include "quartic/plan/planner.hpp"

#include <algorithm>
#include <numeric>

#include "quartic/core/check.hpp"

namespace quartic::plan {

Planner::Planner(Rules const& rules, Cost const& cost)
    : rules_(rules),
      cost_(cost),
      versions_(rules),
      views_(static_cast<std::size_t>(rules.shape.stages)),
      arrivals_(static_cast<std::size_t>(rules.shape.stages)),
      actions_done_(static_cast<std::size_t>(rules.workers)),
      decisions_(rules.workers),
      busy_(static_cast<std::size_t>(rules.workers)),
      entered_(std::min(rules.shape.microbatches, rules.schedule->largest_in_pipeline())) {
  place_stages();
  for (int s = 0; s < rules.shape.stages; ++s) view(s).stage = s;
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
    owner_.push_back(worker);
    ++first_[static_cast<std::size_t>(worker) + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (int const worker : owner_) position_.push_back(next[static_cast<std::size_t>(worker)]++);
}

std::span<StageView> Planner::hosted(int worker) {
  auto const w = static_cast<std::size_t>(worker);
  return std::span(views_).subspan(first_[w], first_[w + 1] - first_[w]);
}

Decision const* Planner::next() {
  while (batch_next_ == batch_.size()) {
    if (!decide_at_next_time()) return nullptr;
  }
  Decision& decision = batch_[batch_next_++];
  start(decision);
  return &decision;
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
  versions_.come_to(now_);
  while (decisions_.time() == now_) decide(decisions_.earliest());
  if (rules_.workers < rules_.shape.stages) {
    std::sort(batch_.begin(), batch_.end(),
              [](Decision const& a, Decision const& b) { return a.action.stage < b.action.stage; });
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
    auto& [forward, backward] = arrivals(at.stage);
    for (; !forward.empty() && forward.front() <= now_; ++at.forward_ready) forward.pop();
    for (; !backward.empty() && backward.front() <= now_; ++at.backward_ready) backward.pop();
  }
}

Ticks Planner::next_arrival(int worker) {
  Ticks earliest = EarliestFirst::never;
  for (StageView const& at : hosted(worker)) {
    auto const& [forward, backward] = arrivals(at.stage);
    if (!forward.empty()) earliest = std::min(earliest, forward.front());
    if (!backward.empty()) earliest = std::min(earliest, backward.front());
  }
  return earliest;
}

void Planner::arrive(IndexedRing<Ticks>& arrivals, int stage, Ticks time) {
  arrivals.push(time);
  int const worker = owner(stage);
  bool const idle = !busy_[static_cast<std::size_t>(worker)];
  if (idle && time < decisions_.time_of(worker)) decisions_.set(worker, time);
}

void Planner::send(IndexedRing<Ticks>& arrivals, int from, int to, Ticks end) {
  bool const by_message = owner(from) != owner(to);
  arrive(arrivals, to, end + (by_message ? cost_.hop() : 0));
}

void Planner::start(Decision& decision) {
  auto const [kind, stage, microbatch, count] = decision.action;
  if (__builtin_add_overflow(now_, cost_.duration(decision.action), &decision.end)) {
    failure("plan time overflows at {} after {:g} units; use fewer microbatches or smaller costs",
            to_text(decision.action), to_units(now_));
  }
  makespan_ = std::max(makespan_, decision.end);
  ++actions_done_[static_cast<std::size_t>(decision.worker)];
  StageView& at = view(stage);
  versions_.decide(decision, at);
  if (kind == Kind::forward) {
    count_forward(decision);
  } else {
    if (kind != Kind::backward_weight) count_backward_input(decision);
    if (kind != Kind::backward_input) at.weight_backwards += count;
    if (decision.updates) ++at.updates;
  }
  versions_.drop_unneeded(decision, at);
  Ticks const averaging = decision.averages ? cost_.average() : 0;
  makespan_ = std::max(makespan_, decision.end + averaging);
  decisions_.set(decision.worker, decision.end + averaging);
}

void Planner::count_forward(Decision const& decision) {
  int const s = decision.action.stage;
  StageView& at = view(s);
  ++at.forwards;
  if (decision.ends) {  // its backward stops above
    ++at.backwards;
    ++at.weight_backwards;
    ++at.backward_ready;
  }
  if (s + 1 < rules_.shape.stages) {
    send(arrivals(s + 1).forward, s, s + 1, decision.end);
  } else {
    ++at.backward_ready;
  }
}

void Planner::count_backward_input(Decision const& decision) {
  auto const [kind, s, microbatch, count] = decision.action;
  StageView& at = view(s);
  at.backwards += count;
  for (int message = 0; message < count; ++message) {
    if (decision.sends) {
      send(arrivals(s - 1).backward, s, s - 1, decision.end);
    } else {
      admit(decision.end);
    }
  }
  bool const is_only_half = kind == Kind::backward_input && decision.ends;
  if (is_only_half) ++at.weight_backwards;
}

/// A microbatch has left the pipeline: where their number is limited, another may enter.
void Planner::admit(Ticks time) {
  if (entered_ == rules_.shape.microbatches) return;
  ++entered_;
  arrive(arrivals(0).forward, 0, time);
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
