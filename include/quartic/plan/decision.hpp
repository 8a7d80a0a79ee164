#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "quartic/plan/action.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::plan {

/// One microbatch of an action.
struct Pass {
  std::int64_t microbatch = 0;
  std::int64_t minibatch = 0;
  std::int64_t data_index = 0;  ///< which microbatch of the data, in its pipeline
  Read read;                    ///< for a weight half only its replica is set
};

/// What a worker does next, with everything that the rules say about it. The planner decides ahead
/// of the run; on arrival a worker decides when it acts, and the columns of the plan stay empty.
struct Decision {
  Action action;
  int worker = 0;
  Tags tags = {};
  std::span<Pass const> passes = {};  ///< one for each microbatch of the action
  bool sends = false;                 ///< a backward: its input gradients go to the stage below
  bool updates = false;               ///< the accumulated gradient is applied at its end
  bool averages = false;              ///< after the update the stage averages its replicas
  bool ends = false;                  ///< the stage holds its microbatches no longer than this
  double rate = 1;                    ///< factor on the update's learning rate
  std::int64_t oldest_needed = 0;     ///< versions below, unless held, are dropped with it
  // Columns of the plan.
  Ticks begin = -1;  ///< -1: on arrival
  Ticks end = -1;
  std::int32_t activations = 0;    ///< microbatches held, this one included
  std::int32_t weight_copies = 0;  ///< versions held while it computes
};

/// Asks the rules about one action of one stage. `rate` and `oldest_needed` follow from the state
/// after the action: whoever keeps that state fills them in.
class Decider {
 public:
  /// `rules` must outlive this.
  explicit Decider(Rules const& rules) : rules_(rules) {}

  /// What the rules say about a microbatch at all stages.
  struct Route {
    std::int64_t minibatch = 0;
    std::int64_t data_index = 0;
    int replica = 0;
    int sampled_stage = -1;  ///< the only stage that it updates, where its backward stops; -1: all
  };
  Route route(std::int64_t microbatch) const;

  /// What is known of a microbatch when an action of it starts.
  struct Known {
    Route const& route;
    Tags const& tags;
    Read const& forward_read;  ///< for a backward
  };
  /// Fills in tags, passes and what happens to them; `at` is the stage before the action,
  /// `known(j)` what it knows of microbatch j, `global` null on arrival. The passes are valid until
  /// the next call.
  template <class KnownOf>
  void decide(Decision& decision, StageView const& at, KnownOf known, GlobalView const* global) {
    auto const [kind, stage, first, count] = decision.action;
    passes_.resize(static_cast<std::size_t>(count));
    decision.passes = passes_;
    for (std::int64_t j = first; j < first + count; ++j) {
      Known const now = known(j);
      fill(passes_[static_cast<std::size_t>(j - first)], kind, now.route,
           {at, j, now.tags, now.forward_read, global});
      if (j > first) continue;
      decision.tags = now.tags;
      decide_ends(decision, now.route.sampled_stage);
    }
  }

 private:
  void fill(Pass& pass, Kind kind, Route const& route, PassView const& view) const;
  void decide_ends(Decision& decision, int sampled_stage) const;

  Rules const& rules_;
  std::vector<Pass> passes_;  // of the last decision
};

inline void Decider::fill(Pass& pass, Kind kind, Route const& route, PassView const& view) const {
  pass.microbatch = view.microbatch;
  pass.minibatch = route.minibatch;
  pass.data_index = route.data_index;
  if (kind == Kind::forward) {
    pass.read = rules_.versions->forward(view);
  } else if (kind != Kind::backward_weight) {
    pass.read = rules_.versions->backward(view);
  } else {
    pass.read = {};
  }
  pass.read.replica = route.replica;
}

/// Where a microbatch updates one sampled stage, its backward stops there: the stages below are
/// done with their forward, the stages above with their input half.
inline void Decider::decide_ends(Decision& decision, int sampled_stage) const {
  auto const [kind, stage, first, count] = decision.action;
  std::int64_t const last = first + count - 1;
  bool const forms_gradient = kind == Kind::backward || kind == Kind::backward_weight;
  bool const has_input_half = kind == Kind::backward || kind == Kind::backward_input;
  decision.sends = has_input_half && stage > std::max(0, sampled_stage);
  decision.ends = forms_gradient || (kind == Kind::forward && stage < sampled_stage) ||
                  (kind == Kind::backward_input && sampled_stage >= 0 && stage > sampled_stage);
  decision.updates = forms_gradient && rules_.updates->applies_after(stage, last);
  decision.averages = decision.updates && rules_.updates->averages_after(last);
}

}  // namespace quartic::plan
