#include "quartic/engine/checkpoint.hpp"

namespace quartic::engine {

/// The hash, FNV-1a by words, is of what tells two plans apart: what is done, with which versions.
void advance(Checkpoint& checkpoint, plan::PlannedAction const& planned) {
  auto const add = [&](auto value) {
    checkpoint.plan = (checkpoint.plan ^ static_cast<std::uint64_t>(value)) * 0x100000001b3;
  };
  add(planned.action.kind);
  add(planned.action.stage);
  add(planned.action.microbatch);
  add(planned.action.count);
  for (plan::Read const& read : planned.reads) add(read.version);
  ++checkpoint.position;
  checkpoint.block_updates += planned.updates ? 1 : 0;
}

bool is_on_plan(Checkpoint const& checkpoint, plan::Rules const& rules, plan::Cost const& cost) {
  plan::Planner planner(rules, cost);
  Checkpoint here;
  while (here.position < checkpoint.position) {
    plan::PlannedAction const* const planned = planner.next();
    if (planned == nullptr) return false;
    advance(here, *planned);
  }
  return here.plan == checkpoint.plan;
}

}  // namespace quartic::engine
