#pragma once

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
  Read read;                    ///< of a weight half: the replica alone
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
  bool averages = false;              ///< and then the replicas of the stage are averaged
  bool ends = false;                  ///< the stage holds its microbatches no longer than this
  double rate = 1;                    ///< of an update: the factor on its learning rate
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

  /// What a stage knows of a microbatch when its action starts.
  struct Known {
    Tags tags;
    Read forward_read;  ///< for a backward
  };
  /// Fills in tags, passes and what happens to them; `at` is the stage before the action,
  /// `known(j)` what it knows of microbatch j, `global` null on arrival. The passes are valid until
  /// the next call.
  template <class KnownOf>
  void decide(Decision& decision, StageView const& at, KnownOf known, GlobalView const* global) {
    auto const [kind, stage, first, count] = decision.action;
    passes_.clear();
    for (std::int64_t j = first; j < first + count; ++j) {
      auto const [tags, forward_read] = known(j);
      passes_.push_back(pass(kind, {at, j, tags, forward_read, global}));
    }
    decision.tags = known(first).tags;
    decision.passes = passes_;
    decide_flow(decision);
  }

 private:
  Pass pass(Kind kind, PassView const& view) const;
  void decide_flow(Decision& decision) const;

  Rules const& rules_;
  std::vector<Pass> passes_;  // of the last decision
};

}  // namespace quartic::plan
