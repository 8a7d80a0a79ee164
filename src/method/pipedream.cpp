#include "quartic/method.hpp"

namespace quartic::method {

/// PipeDream: no flush; a backward reads the weights that its forward read, and its gradient is
/// applied to the live weights at once.
Method pipedream() {
  return {.name = "pipedream",
          .order = "1F1B, no flush",
          .reads = {"live, stashed", "the stash"},
          .staleness = "S-1-s in the steady state",
          .drift = "0",
          .copies = "S-s",
          .activations = "S-s",
          .bubble = "0",
          .summary = "weight stashing: old but consistent weights, S microbatches in flight",
          .reference =
              "Harlap et al. 2018, arXiv 1806.03377; Ilin and Richtarik 2026, arXiv 2606.03498",
          .accumulates = false,
          .options = {admission_option("pipeline")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options), stashed_weights());
          }};
}

}  // namespace quartic::method
