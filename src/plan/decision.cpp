#include "quartic/plan/decision.hpp"

#include <algorithm>

namespace quartic::plan {

Pass Decider::pass(Kind kind, PassView const& view) const {
  std::int64_t const j = view.microbatch;
  Pass pass{.microbatch = j,
            .minibatch = rules_.updates->minibatch(j),
            .data_index = rules_.schedule->data_index(j)};
  if (kind == Kind::forward) {
    pass.read = rules_.versions->forward(view);
  } else if (kind != Kind::backward_weight) {
    pass.read = rules_.versions->backward(view);
  }
  pass.read.replica = rules_.replica_of(j);
  return pass;
}

/// Where a microbatch updates one sampled stage, its backward stops there: the stages below are
/// done with their forward, the stages above with their input half.
void Decider::decide_flow(Decision& decision) const {
  auto const [kind, stage, first, count] = decision.action;
  std::int64_t const last = first + count - 1;
  int const sampled = rules_.schedule->sampled_stage(first);
  bool const forms_gradient = kind == Kind::backward || kind == Kind::backward_weight;
  bool const has_input_half = kind == Kind::backward || kind == Kind::backward_input;
  decision.sends = has_input_half && stage > std::max(0, sampled);
  decision.ends = forms_gradient || (kind == Kind::forward && stage < sampled) ||
                  (kind == Kind::backward_input && sampled >= 0 && stage > sampled);
  decision.updates = forms_gradient && rules_.updates->applies_after(stage, last);
  decision.averages = decision.updates && rules_.updates->averages_after(last);
}

}  // namespace quartic::plan
