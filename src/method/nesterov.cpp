#include "quartic/method.hpp"

namespace quartic::method {

/// Nesterov for asynchronous pipelines: PipeDream with NAdam, whose weights are the
/// look-ahead point w + d, so that its (1−γ) on a late gradient is the delay correction. Which of
/// the paper's variants is meant is ours.
Method nesterov() {
  return {.name = "nesterov",
          .order = "1F1B, no flush",
          .reads = {"live, stashed", "the stash"},
          .staleness = "<= ceil((S-1-s)/M)",
          .drift = "0",
          .copies = "ceil((S-1-s)/M)+1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "weight stashing, with NAdam's look-ahead to compensate for the delay",
          .reference = "Ajanthan et al. 2025, arXiv 2505.01099",
          .optimizer = "nadam",
          .only_optimizer = true,
          .beta1 = 0.99,
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options), stashed_weights());
          }};
}

}  // namespace quartic::method
