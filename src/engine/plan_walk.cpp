#include "quartic/engine/plan_walk.hpp"

#include <tuple>

namespace quartic::engine {
namespace {

/// What tells two plans apart: what is done, with which versions.
void add(WordHash& hash, plan::Decision const& planned) {
  auto const add = [&](auto value) { hash.add(static_cast<std::uint64_t>(value)); };
  add(planned.action.kind);
  add(planned.action.stage);
  add(planned.action.microbatch);
  add(planned.action.count);
  if (planned.action.kind == plan::Kind::backward_weight)
    return;  // it reads what its input half did
  for (plan::Pass const& pass : planned.passes) add(pass.read.version);
}

bool are_equal(plan::Decision const& one, plan::Decision const& other) {
  auto const facts = [](plan::Decision const& planned) {
    WordHash hash;
    add(hash, planned);
    return std::tuple(hash.value, planned.begin, planned.end, planned.updates, planned.averages);
  };
  return facts(one) == facts(other);
}

auto snapshots_of(PlanWalk::Visitor& visitor) {
  return [&visitor](int stage, double time) { visitor.snapshot(stage, time); };
}

/// Visits the stale reads before the update of the action's own stage, and those of all stages at
/// the snapshot that the action makes.
void measure(StaleReadSnapshots& stale_reads, plan::Decision const& planned, int stages,
             PlanWalk::Visitor& visitor) {
  if (planned.updates) {
    stale_reads.before(planned.end, [&](StaleReadSnapshot const& snapshot) {
      visitor.stale_read(planned.action.stage, snapshot);
    });
  }
  stale_reads.reach(planned, [&](StaleReadSnapshot const& snapshot) {
    for (int stage = 0; stage < stages; ++stage) visitor.stale_read(stage, snapshot);
  });
}

}  // namespace

PlanWalk::PlanWalk(plan::Rules const& rules, plan::Cost const& cost, SnapshotSettings snapshots,
                   std::int64_t stale_read_every, plan::Rules const* longer)
    : planner_(rules, cost),
      workers_(rules.workers),
      stages_(rules.shape.stages),
      steps_(rules),
      snapshots_(snapshots, rules.shape.stages),
      transit_(rules.shape.stages) {
  if (longer != nullptr) longer_.emplace(*longer, cost);
  if (stale_read_every > 0) stale_reads_.emplace(rules, cost, stale_read_every);
}

plan::Decision const* PlanWalk::step(Visitor& visitor) {
  if (here_.position == 0) snapshots_.begin(snapshots_of(visitor));
  plan::Decision const* const planned = planner_.next();
  if (longer_) look_for_fork(planned, visitor);
  if (planned == nullptr) return nullptr;
  busy_ += planned->end - planned->begin;
  snapshots_.before(*planned, snapshots_of(visitor));
  if (stale_reads_) measure(*stale_reads_, *planned, stages_, visitor);
  visitor.action(*planned, planner_.applied());
  transit_.pass(*planned);
  ends_step_ = steps_.pass(*planned);
  snapshots_.after(*planned, planner_.block_updates(), steps_.count(), snapshots_of(visitor));
  add(here_.plan, *planned);
  ++here_.position;
  here_.block_updates = planner_.block_updates();
  return planned;
}

void PlanWalk::look_for_fork(plan::Decision const* planned, Visitor& visitor) {
  plan::Decision const* const other = longer_->next();
  if (planned != nullptr && other != nullptr && are_equal(*planned, *other)) return;
  fork_ = here_.position;
  longer_.reset();
  visitor.forks();
}

void PlanWalk::finish(Visitor& visitor) {
  if (!ended_) snapshots_.finish(planner_, snapshots_of(visitor));
  ended_ = true;
  ++here_.position;
}

bool PlanWalk::reach(Checkpoint const& checkpoint) {
  Visitor nothing;
  while (here_.position < checkpoint.position && step(nothing) != nullptr) continue;
  if (here_.position < checkpoint.position) {
    finish(nothing);
    here_.position = checkpoint.position;
  }
  here_.wall_ns = checkpoint.wall_ns;
  return here_.plan.value == checkpoint.plan.value;
}

double PlanWalk::bubble() const {
  return 1 - static_cast<double>(busy_) /
                 (static_cast<double>(planner_.makespan()) * static_cast<double>(workers_));
}

}  // namespace quartic::engine
