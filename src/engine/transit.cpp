#include "quartic/engine/transit.hpp"

namespace quartic::engine {

void Transit::pass(plan::Action const& action) {
  int const stage = action.stage;
  bool const first = stage == 0;
  bool const last = stage + 1 == rules_.shape.stages;
  if (action.kind == plan::Kind::backward_weight) return;
  for (std::int64_t j = action.microbatch; j < action.microbatch + action.count; ++j) {
    if (action.kind == plan::Kind::forward) {
      if (!first) --at(stage).activations;
      if (!last) ++at(stage + 1).activations;
    } else {
      if (!last) --at(stage).gradients;
      bool const ends_here = rules_.schedule->sampled_stage(j) == stage;
      if (!first && !ends_here) ++at(stage - 1).gradients;
    }
  }
}

}  // namespace quartic::engine
