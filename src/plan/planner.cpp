#include "quartic/plan/planner.hpp"

#include <algorithm>

#include "quartic/core/check.hpp"

namespace quartic::plan {

Planner::Planner(Rules const& rules, Cost const& cost)
    : rules_(rules),
      cost_(cost),
      stages_per_worker_(rules.shape.stages / rules.workers),
      views_(static_cast<std::size_t>(rules.shape.stages)),
      stages_(static_cast<std::size_t>(rules.shape.stages)),
      actions_done_(static_cast<std::size_t>(rules.workers)),
      decisions_(rules.workers),
      busy_(static_cast<std::size_t>(rules.workers)) {
  for (int s = 0; s < rules.shape.stages; ++s) {
    view(s).stage = s;
    stage(s).activations_allowed = rules.schedule->activations(s);
  }
  view(0).forward_ready = rules.shape.microbatches;
  for (int worker = 0; worker < rules.workers; ++worker) decisions_.set(worker, 0);
}

std::size_t Planner::position(int stage) const {
  int const position = rules_.worker_of(stage) * stages_per_worker_ + stage / rules_.workers;
  return static_cast<std::size_t>(position);
}

std::span<StageView> Planner::hosted(int worker) {
  auto const count = static_cast<std::size_t>(stages_per_worker_);
  return {views_.data() + static_cast<std::size_t>(worker) * count, count};
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
  while (decisions_.time() == now_) decide(decisions_.earliest());
  if (stages_per_worker_ > 1) {
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
    failure("the schedule asks for {} where {} is next", to_text(action),
            to_text({action.kind, action.stage, expected}));
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

void Planner::start(PlannedAction& planned) {
  if (__builtin_add_overflow(now_, cost_.duration(planned.action), &planned.end)) {
    failure("plan time runs out at {} after {:g} units: fewer microbatches, or smaller costs",
            to_text(planned.action), to_units(now_));
  }
  makespan_ = std::max(makespan_, planned.end);
  ++actions_done_[static_cast<std::size_t>(planned.worker)];
  decisions_.set(planned.worker, planned.end);
  if (planned.action.kind == Kind::forward) {
    start_forward(planned);
  } else {
    if (planned.action.kind != Kind::backward_weight) start_backward_input(planned);
    if (planned.action.kind != Kind::backward_input) start_backward_weight(planned);
  }
}

void Planner::start_forward(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  Stage& own = stage(s);
  if (s == 0) reads_.push({block_updates_, 0, at.updates, 0});
  Reads& reads = reads_[microbatch];
  reads.sum += block_updates_;
  planned.tag = reads.tag;
  planned.read = rules_.versions->forward({at, microbatch, reads.tag, {}});
  require_alive(planned);
  if (rules_.versions->stashes()) own.ledger.hold(planned.read.version);
  own.in_flight.push({now_, block_updates_, planned.read.version, -1, -1});
  own.last_tag = reads.tag;
  ++at.forwards;
  keep_needed(planned);
  planned.activations = static_cast<std::int32_t>(own.in_flight.size());
  planned.weight_copies = own.ledger.copies();
  if (own.in_flight.size() > own.activations_allowed) {
    failure("{} would be number {} in flight at stage {}, which declares at most {}",
            to_text(planned.action), own.in_flight.size(), s, own.activations_allowed);
  }
  if (s + 1 < rules_.shape.stages) {
    arrive(stage(s + 1).forward_arrivals, s + 1, planned.end + cost_.hop());
  } else {
    ++at.backward_ready;
  }
}

void Planner::start_backward_input(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  planned.read = rules_.versions->backward(
      {at, microbatch, reads_[microbatch].tag, {0, stage(s).in_flight[microbatch].version}});
  require_alive(planned);
  for (std::int64_t j = microbatch; j < microbatch + count; ++j) {
    stage(s).in_flight[j].version_backward = planned.read.version;
    stage(s).in_flight[j].begin_backward = now_;
  }
  at.backwards += count;
  for (int message = 0; s > 0 && message < count; ++message) {
    arrive(stage(s - 1).backward_arrivals, s - 1, planned.end + cost_.hop());
  }
}

void Planner::start_backward_weight(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  Stage const& own = stage(s);
  planned.activations = static_cast<std::int32_t>(own.in_flight.size());
  planned.weight_copies = own.ledger.copies();
  for (std::int64_t j = microbatch; j < microbatch + count; ++j) accumulate(planned, j);
  at.weight_backwards += count;
  planned.updates = rules_.updates->applies_after(s, microbatch + count - 1);
  if (planned.updates) update(s);
  keep_needed(planned);
}

void Planner::require_alive(PlannedAction const& planned) {
  VersionLedger const& ledger = stage(planned.action.stage).ledger;
  if (ledger.alive(planned.read.version)) return;
  failure("{} reads version {}, which is not kept; the live one is {}", to_text(planned.action),
          planned.read.version, ledger.live());
}

/// What the stage's passes to come may still read; the rest is given up.
void Planner::keep_needed(PlannedAction& planned) {
  Stage& own = stage(planned.action.stage);
  planned.oldest_needed = rules_.versions->oldest_needed(view(planned.action.stage), own.last_tag);
  own.ledger.keep_from(planned.oldest_needed, [](std::int64_t) {});
}

void Planner::accumulate(PlannedAction const& planned, std::int64_t microbatch) {
  int const s = planned.action.stage;
  Stage& own = stage(s);
  Forward const forward = own.in_flight.pop();
  if (rules_.versions->stashes()) own.ledger.release(forward.version);
  PlannedStep step;
  step.stage = s;
  step.microbatch = microbatch;
  step.minibatch = rules_.updates->minibatch(microbatch);
  step.version_forward = forward.version;
  step.version_backward = forward.version_backward;
  step.delay_own = forward.block_updates;  // becomes a difference at the update
  step.begin_forward = forward.begin;
  step.begin_backward = forward.begin_backward;
  step.activations = planned.activations;
  step.weight_copies = planned.weight_copies;
  own.accumulated.push_back(step);
}

void Planner::update(int s) {
  Stage& own = stage(s);
  for (PlannedStep& step : own.accumulated) {
    Reads& reads = reads_[step.microbatch];
    step.version_applied = own.ledger.live();
    step.delay_own = block_updates_ - step.delay_own;
    step.delay_oldest = block_updates_ - reads.first;
    step.delay_mean =
        static_cast<double>(block_updates_) - static_cast<double>(reads.sum) / rules_.shape.stages;
    ++reads.stages_applied;
  }
  applied_.swap(own.accumulated);
  while (!reads_.empty() && reads_.front().stages_applied == rules_.shape.stages) reads_.pop();
  own.ledger.advance();
  ++view(s).updates;
  ++block_updates_;
}

void Planner::report_deadlock() {
  constexpr int reported = 8;
  std::string report =
      fmt::format("deadlock at plan time {:g}: no worker can go on", to_units(makespan_));
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
