#include "quartic/method.hpp"

namespace quartic::method {

/// TiMePReSt's order with PipeDream's weight stashing: the family's consistent baseline.
Method nf1b_stash() {
  return {.name = "nf1b-stash",
          .order = "nF1B",
          .reads = {"live, stashed", "the stash"},
          .staleness = "<= ceil(dq)",
          .drift = "0",
          .copies = "ceil(dq)+1",
          .activations = "min(M(S-s), hd+M)",
          .bubble = "0",
          .summary = "nF1B with weight stashing: each backward reads what its forward read",
          .reference = "Dutta et al. 2024, arXiv 2410.14312",
          .default_accumulate = 3,
          .options = {backward_option()},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, nf1b_schedule(shape, options), stashed_weights());
          }};
}

}  // namespace quartic::method
