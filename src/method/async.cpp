#include "quartic/method.hpp"

namespace quartic::method {

/// PipeDream's order with one copy of the weights: the backward reads what is live by then, so its
/// drift is its staleness.
Method async() {
  return {.name = "async",
          .order = "1F1B, no flush",
          .reads = {"live", "live"},
          .staleness = "S-1-s",
          .drift = "S-1-s",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "no stash: forward and backward read different weights",
          .reference = "Yang et al. 2021 (the baseline of PipeMare), arXiv 1910.05124",
          .accumulates = false,
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options), live_weights());
          }};
}

}  // namespace quartic::method
