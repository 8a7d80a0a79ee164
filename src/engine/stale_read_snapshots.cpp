#include "quartic/engine/stale_read_snapshots.hpp"

#include <limits>

namespace quartic::engine {

bool StaleReadSnapshots::makes_snapshots(plan::Decision const& decision) {
  plan::Kind const kind = decision.action.kind;
  return (kind == plan::Kind::backward || kind == plan::Kind::backward_input) && !decision.sends;
}

void StaleReadSnapshots::look_ahead(plan::Ticks time) {
  while (seen_ < time) {
    plan::Decision const* const next = ahead_.next();
    seen_ = next == nullptr ? std::numeric_limits<plan::Ticks>::max() : next->begin;
    if (next == nullptr || !makes_snapshots(*next)) continue;
    for (std::int64_t j = next->action.microbatch; j < next->action.microbatch + next->action.count;
         ++j) {
      if (j % every_ == 0) open_.push({j, next->begin});
    }
  }
}

}  // namespace quartic::engine
