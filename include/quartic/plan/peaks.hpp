#pragma once

#include <cstdint>
#include <vector>

#include "quartic/plan/planner.hpp"

namespace quartic::plan {

/// The most that one stage holds at once.
struct StagePeak {
  std::int64_t weight_copies = 1;  ///< versions of its weights, of all its replicas
  std::int64_t activations = 1;    ///< microbatches whose backward has not ended
  std::int64_t flows = 1;          ///< microbatches whose weight half has not ended
  std::int64_t bent = 0;           ///< blocks of bent weights: one for each kind of pass that bends
};

/// By stage, in the whole plan where it has no more than 50,000 actions. Longer ones are taken by
/// their beginning, in milliseconds: it reaches the steady state but for hundreds of stages, and
/// only jitter can bring more later.
std::vector<StagePeak> peaks(Rules const& rules, Cost const& cost);

}  // namespace quartic::plan
