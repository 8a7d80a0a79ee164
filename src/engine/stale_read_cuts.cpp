#include "quartic/engine/stale_read_cuts.hpp"

#include <algorithm>
#include <limits>

namespace quartic::engine {

bool StaleReadCuts::makes_cuts(plan::Action const& action) const {
  return (action.kind == plan::Kind::backward || action.kind == plan::Kind::backward_input) &&
         action.stage == std::max(0, rules_.schedule->sampled_stage(action.microbatch));
}

void StaleReadCuts::look_ahead(plan::Ticks time) {
  while (seen_ < time) {
    plan::PlannedAction const* const next = ahead_.next();
    seen_ = next == nullptr ? std::numeric_limits<plan::Ticks>::max() : next->begin;
    if (next == nullptr || !makes_cuts(next->action)) continue;
    for (std::int64_t j = next->action.microbatch; j < next->action.microbatch + next->action.count;
         ++j) {
      if (j % every_ == 0) open_.push({j, next->begin});
    }
  }
}

}  // namespace quartic::engine
