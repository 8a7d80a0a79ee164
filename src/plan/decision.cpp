#include "quartic/plan/decision.hpp"

namespace quartic::plan {

Decider::Route Decider::route(std::int64_t microbatch) const {
  return {.minibatch = rules_.updates->minibatch(microbatch),
          .data_index = rules_.schedule->data_index(microbatch),
          .replica = rules_.replica_of(microbatch),
          .sampled_stage = rules_.schedule->sampled_stage(microbatch)};
}

}  // namespace quartic::plan
