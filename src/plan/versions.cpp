#include "quartic/plan/versions.hpp"

#include <algorithm>
#include <limits>

#include "quartic/core/check.hpp"

namespace quartic::plan {
namespace {

constexpr std::int64_t untagged = -1;

bool has_input_half(Action const& action) {
  return action.kind == Kind::backward || action.kind == Kind::backward_input;
}

bool has_weight_half(Action const& action) {
  return action.kind == Kind::backward || action.kind == Kind::backward_weight;
}

}  // namespace

Versions::Versions(Rules const& rules)
    : rules_(rules),
      stashes_(rules.versions->stashes()),
      needs_global_view_(rules.versions->needs_global_view()),
      decider_(rules),
      stages_(static_cast<std::size_t>(rules.shape.stages)),
      block_updates_of_(static_cast<std::size_t>(rules.replicas)) {
  for (int s = 0; s < rules.shape.stages; ++s) {
    stage(s).activations_allowed = rules.schedule->activations(s);
    stage(s).ledgers.resize(static_cast<std::size_t>(rules.replicas));
    stage(s).copies = rules.replicas;
  }
}

std::int64_t Versions::version_at(int stage, std::int64_t block_updates) const {
  IndexedRing<std::int64_t> const& made_by = this->stage(stage).made_by;
  std::int64_t low = made_by.first();
  std::int64_t high = made_by.end();
  while (low < high) {  // the first version that was not there yet
    std::int64_t const middle = low + (high - low) / 2;
    (made_by[middle] < block_updates ? low : high) =
        made_by[middle] < block_updates ? middle + 1 : middle;
  }
  return low - 1;
}

void Versions::decide(Decision& decision, StageView const& at) {
  applied_.clear();
  auto const [kind, s, microbatch, count] = decision.action;
  bool const is_forward = kind == Kind::forward;
  if (is_forward && s == 0) enter_pipeline(microbatch);
  if (has_input_half(decision.action) && s + 1 == rules_.shape.stages) {
    tag_minibatch(microbatch, {at, microbatch, {}, {}, this});
  }
  static constexpr Read no_read;
  Stage const& own = stage(s);
  auto const known = [&](std::int64_t j) {
    InPipeline const& entry = in_pipeline_[j];
    return Decider::Known{entry.route, entry.tags, is_forward ? no_read : own.in_flight[j].read};
  };
  decider_.decide(decision, at, known, this);
  if (is_forward) forward(decision);
  if (has_input_half(decision.action)) backward_input(decision);
  if (has_weight_half(decision.action)) backward_weight(decision);
}

void Versions::enter_pipeline(std::int64_t microbatch) {
  Decider::Route const route = decider_.route(microbatch);
  in_pipeline_.push({.first = std::numeric_limits<std::int64_t>::max(),
                     .route = route,
                     .tags = {stage(0).updates, untagged},
                     .stages_to_apply = route.sampled_stage < 0 ? rules_.shape.stages : 1});
}

/// Every piece of a minibatch's backward, on every stage, goes by what its first piece finds.
void Versions::tag_minibatch(std::int64_t first, PassView const& pass) {
  std::int64_t const minibatch = rules_.updates->minibatch(first);
  bool const begins = first == 0 || rules_.updates->minibatch(first - 1) != minibatch;
  if (!begins) return;
  std::int64_t const tag = rules_.versions->backward_tag(pass);
  for (std::int64_t j = first; j < in_pipeline_.end() && rules_.updates->minibatch(j) == minibatch;
       ++j) {
    in_pipeline_[j].tags.backward = tag;
  }
}

void Versions::require_readable(Decision const& decision, Read const& read) const {
  auto const replica = static_cast<std::size_t>(read.replica);
  VersionLedger const& ledger = stage(decision.action.stage).ledgers[replica];
  if (!ledger.alive(read.version)) {
    failure("{} reads version {}, which is not kept; the live version is {}",
            to_text(decision.action), read.version, ledger.live());
  }
  if (decision.action.kind == Kind::backward_input && read.bend != Bend{}) {
    failure(
        "{} reads bent weights; only a backward in one action can, because its halves may have "
        "an update between them",
        to_text(decision.action));
  }
}

void Versions::forward(Decision& decision) {
  int const s = decision.action.stage;
  Stage& own = stage(s);
  Pass const& pass = decision.passes.front();
  Read const& read = pass.read;
  require_readable(decision, read);
  InPipeline& entry = in_pipeline_[pass.microbatch];
  std::int64_t const read_at =
      block_updates_of_[static_cast<std::size_t>(read.replica)] - read.delay;
  entry.first = std::min(entry.first, read_at);
  entry.sum += read_at;
  if (decision.ends) {  // its backward stops above
    own.in_flight.push({});
    own.in_flight.pop();
  } else {
    if (stashes_) {
      change(own, read.replica, [&](VersionLedger& ledger) { ledger.hold(read.version); });
    }
    auto const held = static_cast<std::int32_t>(own.in_flight.size()) + 1;
    own.in_flight.push({decision.begin, read_at, read, -1, -1, own.copies, held});
  }
  decision.weight_copies = own.copies;
  decision.activations = static_cast<std::int32_t>(own.in_flight.size());
  if (own.in_flight.size() > own.activations_allowed) {
    failure(
        "{} would put {} microbatches in flight at stage {}, but the schedule declares at most {}",
        to_text(decision.action), own.in_flight.size(), s, own.activations_allowed);
  }
}

void Versions::backward_input(Decision& decision) {
  Stage& own = stage(decision.action.stage);
  for (Pass const& pass : decision.passes) {
    require_readable(decision, pass.read);
    InFlight& held = own.in_flight[pass.microbatch];
    held.version_backward = pass.read.recorded_version();
    held.begin_backward = decision.begin;
  }
  if (has_weight_half(decision.action) || !decision.ends) return;
  decision.activations = static_cast<std::int32_t>(own.in_flight.size());
  release(own, own.in_flight.pop().read);
}

void Versions::backward_weight(Decision& decision) {
  Stage const& own = stage(decision.action.stage);
  decision.activations = static_cast<std::int32_t>(own.in_flight.size());
  decision.weight_copies = own.copies;
  for (Pass const& pass : decision.passes) accumulate(decision, pass);
  if (decision.updates) update(decision);
}

/// What a microbatch has held of the weights.
void Versions::release(Stage& stage, Read const& read) {
  if (!stashes_) return;
  change(stage, read.replica, [&](VersionLedger& ledger) { ledger.release(read.version); });
}

void Versions::accumulate(Decision const& decision, Pass const& pass) {
  Stage& own = stage(decision.action.stage);
  InFlight const& held = own.in_flight.front();
  release(own, held.read);
  own.accumulated.push_back(
      {.stage = decision.action.stage,
       .microbatch = pass.microbatch,
       .minibatch = pass.minibatch,
       .replica = held.read.replica,
       .version_forward = held.read.version,
       .version_backward = held.version_backward,
       .delay_own = held.block_updates,  // becomes a difference at the update
       .begin_forward = held.begin,
       .begin_backward = held.begin_backward,
       .activations = std::max(held.activations, decision.activations),
       .weight_copies = std::max(held.weight_copies, decision.weight_copies)});
  own.in_flight.pop();
}

UpdateView Versions::update_view(int stage) const {
  Stage const& own = this->stage(stage);
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

void Versions::update(Decision& decision) {
  int const s = decision.action.stage;
  Stage& own = stage(s);
  int const replica = own.accumulated.back().replica;
  std::int64_t& block_updates = block_updates_of_[static_cast<std::size_t>(replica)];
  decision.rate = rules_.updates->rate(update_view(s));
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
  if (needs_global_view_) {
    own.made_by.push(block_updates);
    if (s == 0) last_updates_.push(decision.end);
  }
  change(own, replica, [](VersionLedger& ledger) { ledger.advance(); });
  ++own.updates;
  ++block_updates;
  ++block_updates_;
}

void Versions::drop_unneeded(Decision& decision, StageView const& at) {
  Stage& own = stage(at.stage);
  std::int64_t const microbatch = decision.action.microbatch;
  decision.oldest_needed =
      rules_.versions->oldest_needed({at, microbatch, next_tags(at), {}, this});
  change(own, decision.passes.front().read.replica, [&](VersionLedger& ledger) {
    ledger.keep_from(decision.oldest_needed, [](std::int64_t) {});
  });
  while (!own.made_by.empty() && own.made_by.first() <= decision.oldest_needed) own.made_by.pop();
}

/// What the stage's next forward and backward carry; at least, where that is not settled yet.
Tags Versions::next_tags(StageView const& at) const {
  Tags next{stage(0).updates, committed_};
  if (in_pipeline_.contains(at.forwards)) next.forward = in_pipeline_[at.forwards].tags.forward;
  if (in_pipeline_.contains(at.backwards)) {
    std::int64_t const tag = in_pipeline_[at.backwards].tags.backward;
    if (tag != untagged) next.backward = tag;
  }
  return next;
}

template <class Change>
void Versions::change(Stage& stage, int replica, Change change) {
  VersionLedger& ledger = stage.ledgers[static_cast<std::size_t>(replica)];
  std::int32_t const before = ledger.copies();
  change(ledger);
  stage.copies += ledger.copies() - before;
}

}  // namespace quartic::plan
