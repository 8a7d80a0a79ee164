#include "quartic/engine/transit.hpp"

namespace quartic::engine {

void Transit::pass(plan::Decision const& decision) {
  auto const [kind, stage, microbatch, count] = decision.action;
  if (kind == plan::Kind::backward_weight) return;
  bool const is_first = stage == 0;
  bool const is_last = stage + 1 == static_cast<int>(stages_.size());
  if (kind == plan::Kind::forward) {
    if (!is_first) at(stage).activations -= count;
    if (!is_last) at(stage + 1).activations += count;
  } else {
    if (!is_last) at(stage).gradients -= count;
    if (decision.sends) at(stage - 1).gradients += count;
  }
}

}  // namespace quartic::engine
