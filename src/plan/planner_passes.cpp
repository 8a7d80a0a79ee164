// The other half of the planner: what an action reads, what it leaves, and what that makes of the
// versions, the delays and the microbatches in flight.
#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::plan {
namespace {

constexpr std::int64_t untagged = -1;

}  // namespace

std::int64_t Planner::committed() const {
  return committed_;
}

std::int64_t Planner::version_at(int stage, std::int64_t block_updates) const {
  IndexedRing<std::int64_t> const& made_by = stages_[static_cast<std::size_t>(stage)].made_by;
  std::int64_t low = made_by.first();
  std::int64_t high = made_by.end();
  while (low < high) {  // the first version that was not there yet
    std::int64_t const middle = low + (high - low) / 2;
    (made_by[middle] < block_updates ? low : high) =
        made_by[middle] < block_updates ? middle + 1 : middle;
  }
  return low - 1;
}

void Planner::start_forward(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  Stage& own = stage(s);
  if (s == 0) enter_pipeline(microbatch);
  InPipeline& entry = in_pipeline_[microbatch];
  planned.tags = entry.tags;
  Read read = rules_.versions->forward({at, microbatch, entry.tags, {}, this});
  read.replica = rules_.replica_of(microbatch);
  require_readable(planned, read);
  reads_.push_back(read);
  std::int64_t const read_at =
      block_updates_of_[static_cast<std::size_t>(read.replica)] - read.delay;
  entry.first = std::min(entry.first, read_at);
  entry.sum += read_at;
  ++at.forwards;
  planned.ends = s < entry.sampled_stage;
  if (planned.ends) {  // its backward stops above
    own.in_flight.push({});
    own.in_flight.pop();
    ++at.backwards;
    ++at.weight_backwards;
    ++at.backward_ready;
  } else {
    if (rules_.versions->stashes()) {
      change(own, read.replica, [&](VersionLedger& ledger) { ledger.hold(read.version); });
    }
    auto const held = static_cast<std::int32_t>(own.in_flight.size()) + 1;
    own.in_flight.push({.begin = now_,
                        .block_updates = read_at,
                        .read = read,
                        .weight_copies = own.copies,
                        .activations = held});
  }
  planned.weight_copies = own.copies;
  planned.activations = static_cast<std::int32_t>(own.in_flight.size());
  if (own.in_flight.size() > own.activations_allowed) {
    failure(
        "{} would put {} microbatches in flight at stage {}, but the schedule declares at most {}",
        to_text(planned.action), own.in_flight.size(), s, own.activations_allowed);
  }
  if (s + 1 < rules_.shape.stages) {
    send(stage(s + 1).forward_arrivals, s, s + 1, planned.end);
  } else {
    ++at.backward_ready;
  }
}

void Planner::enter_pipeline(std::int64_t microbatch) {
  int const sampled = rules_.schedule->sampled_stage(microbatch);
  in_pipeline_.push({std::numeric_limits<std::int64_t>::max(),
                     0,
                     {view(0).updates, untagged},
                     sampled,
                     sampled < 0 ? rules_.shape.stages : 1});
}

void Planner::start_backward_input(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  Stage& own = stage(s);
  if (s + 1 == rules_.shape.stages) tag_minibatch({at, microbatch, {}, {}, this});
  InPipeline const& entry = in_pipeline_[microbatch];
  planned.tags = entry.tags;
  for (std::int64_t j = microbatch; j < microbatch + count; ++j) {
    Forward& forward = own.in_flight[j];
    Read read = rules_.versions->backward({at, j, in_pipeline_[j].tags, forward.read, this});
    read.replica = forward.read.replica;
    require_readable(planned, read);
    reads_.push_back(read);
    forward.version_backward = read.recorded_version();
    forward.begin_backward = now_;
  }
  at.backwards += count;
  if (s == std::max(0, entry.sampled_stage)) {
    for (std::int64_t j = microbatch; j < microbatch + count; ++j) release(planned.end);
  } else {
    for (int message = 0; message < count; ++message) {
      send(stage(s - 1).backward_arrivals, s, s - 1, planned.end);
    }
  }
  if (kind != Kind::backward_input || s <= entry.sampled_stage || entry.sampled_stage < 0) return;
  planned.ends = true;  // only the sampled stage goes on to its weight gradient
  planned.activations = static_cast<std::int32_t>(own.in_flight.size());
  Forward const forward = own.in_flight.pop();
  ++at.weight_backwards;
  if (!rules_.versions->stashes()) return;
  change(own, forward.read.replica,
         [&](VersionLedger& ledger) { ledger.release(forward.read.version); });
}

/// Every piece of a minibatch's backward, on every stage, goes by what its first piece finds.
void Planner::tag_minibatch(PassView const& pass) {
  std::int64_t const minibatch = rules_.updates->minibatch(pass.microbatch);
  bool const begins =
      pass.microbatch == 0 || rules_.updates->minibatch(pass.microbatch - 1) != minibatch;
  if (!begins) return;
  std::int64_t const tag = rules_.versions->backward_tag(pass);
  for (std::int64_t j = pass.microbatch;
       j < in_pipeline_.end() && rules_.updates->minibatch(j) == minibatch; ++j) {
    in_pipeline_[j].tags.backward = tag;
  }
}

/// A microbatch has left the pipeline: where their number is limited, another may enter.
void Planner::release(Ticks end) {
  if (entered_ == rules_.shape.microbatches) return;
  ++entered_;
  arrive(stage(0).forward_arrivals, 0, end);
}

void Planner::start_backward_weight(PlannedAction& planned) {
  auto const [kind, s, microbatch, count] = planned.action;
  StageView& at = view(s);
  Stage const& own = stage(s);
  planned.ends = true;
  planned.tags = in_pipeline_[microbatch].tags;
  planned.activations = static_cast<std::int32_t>(own.in_flight.size());
  planned.weight_copies = own.copies;
  for (std::int64_t j = microbatch; j < microbatch + count; ++j) accumulate(planned, j);
  at.weight_backwards += count;
  planned.updates = rules_.updates->applies_after(s, microbatch + count - 1);
  planned.averages = planned.updates && rules_.updates->averages_after(microbatch + count - 1);
  if (planned.updates) update(planned);
}

void Planner::require_readable(PlannedAction const& planned, Read const& read) {
  auto const replica = static_cast<std::size_t>(read.replica);
  VersionLedger const& ledger = stage(planned.action.stage).ledgers[replica];
  if (!ledger.alive(read.version)) {
    failure("{} reads version {}, which is not kept; the live version is {}",
            to_text(planned.action), read.version, ledger.live());
  }
  if (planned.action.kind == Kind::backward_input && read.bend != Bend{}) {
    failure(
        "{} reads bent weights; only a backward in one action can, because its halves may have "
        "an update between them",
        to_text(planned.action));
  }
}

/// What the stage's passes to come may still read; the rest is given up.
void Planner::keep_needed(PlannedAction& planned) {
  int const s = planned.action.stage;
  Stage& own = stage(s);
  planned.oldest_needed = rules_.versions->oldest_needed(
      {view(s), planned.action.microbatch, next_tags(view(s)), {}, this});
  change(own, rules_.replica_of(planned.action.microbatch), [&](VersionLedger& ledger) {
    ledger.keep_from(planned.oldest_needed, [](std::int64_t) {});
  });
  while (!own.made_by.empty() && own.made_by.first() <= planned.oldest_needed) own.made_by.pop();
}

/// What the stage's next forward and backward carry; at least, where that is not settled yet.
Tags Planner::next_tags(StageView const& at) const {
  Tags next{views_.front().updates, committed_};
  if (in_pipeline_.contains(at.forwards)) next.forward = in_pipeline_[at.forwards].tags.forward;
  if (in_pipeline_.contains(at.backwards)) {
    std::int64_t const tag = in_pipeline_[at.backwards].tags.backward;
    if (tag != untagged) next.backward = tag;
  }
  return next;
}

template <class Change>
void Planner::change(Stage& stage, int replica, Change change) {
  VersionLedger& ledger = stage.ledgers[static_cast<std::size_t>(replica)];
  std::int32_t const before = ledger.copies();
  change(ledger);
  stage.copies += ledger.copies() - before;
}

void Planner::accumulate(PlannedAction const& planned, std::int64_t microbatch) {
  int const s = planned.action.stage;
  Stage& own = stage(s);
  Forward const forward = own.in_flight.pop();
  if (rules_.versions->stashes()) {
    change(own, forward.read.replica,
           [&](VersionLedger& ledger) { ledger.release(forward.read.version); });
  }
  PlannedStep step;
  step.stage = s;
  step.microbatch = microbatch;
  step.minibatch = rules_.updates->minibatch(microbatch);
  step.replica = forward.read.replica;
  step.version_forward = forward.read.version;
  step.version_backward = forward.version_backward;
  step.delay_own = forward.block_updates;  // becomes a difference at the update
  step.begin_forward = forward.begin;
  step.begin_backward = forward.begin_backward;
  step.activations = std::max(forward.activations, planned.activations);
  step.weight_copies = std::max(forward.weight_copies, planned.weight_copies);
  own.accumulated.push_back(step);
}

UpdateView Planner::update_view(int stage) const {
  Stage const& own = stages_[static_cast<std::size_t>(stage)];
  PlannedStep const& last = own.accumulated.back();
  auto const replica = static_cast<std::size_t>(last.replica);
  UpdateView view{
      .stage = stage, .version = own.ledgers[replica].live(), .minibatch = last.minibatch};
  for (PlannedStep const& step : own.accumulated) {
    view.staleness_max = std::max(view.staleness_max, view.version - step.version_forward);
    view.delay_own_max = std::max(view.delay_own_max, block_updates_of_[replica] - step.delay_own);
  }
  return view;
}

void Planner::update(PlannedAction& planned) {
  int const s = planned.action.stage;
  Stage& own = stage(s);
  int const replica = own.accumulated.back().replica;
  std::int64_t& block_updates = block_updates_of_[static_cast<std::size_t>(replica)];
  planned.rate = rules_.updates->rate(update_view(s));
  for (PlannedStep& step : own.accumulated) {
    InPipeline& entry = in_pipeline_[step.microbatch];
    step.version_applied = own.ledgers[static_cast<std::size_t>(replica)].live();
    step.delay_own = block_updates - step.delay_own;
    step.delay_oldest = block_updates - entry.first;
    step.delay_mean =
        static_cast<double>(block_updates) - static_cast<double>(entry.sum) / rules_.shape.stages;
    --entry.stages_to_apply;
  }
  applied_.swap(own.accumulated);
  while (!in_pipeline_.empty() && in_pipeline_.front().stages_to_apply == 0) in_pipeline_.pop();
  if (rules_.versions->needs_global_view()) {
    own.made_by.push(block_updates);
    if (s == 0) last_updates_.push(planned.end);
  }
  change(own, replica, [](VersionLedger& ledger) { ledger.advance(); });
  ++view(s).updates;
  ++block_updates;
  ++block_updates_;
}

}  // namespace quartic::plan
