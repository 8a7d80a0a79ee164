#include "quartic/method.hpp"

namespace quartic::method {
/// SpecTrain: the forward computes with the weights that momentum would have made
/// by the time its gradient is applied.
Method spectrain() {
  return {.name = "spectrain",
          .order = "1F1B, no flush",
          .reads = {"live, predicted", "live"},
          .staleness = "<= ceil((S-1-s)/M), predicted",
          .drift = "<= ceil((S-1-s)/M)",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "async with forwards on weights that are predicted from the momentum",
          .reference = "Chen et al. 2018, arXiv 1809.02839",
          .optimizer = "momentum",
          .only_optimizer = true,
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options),
                            predicted_weights(shape.accumulate));
          }};
}

}  // namespace quartic::method
