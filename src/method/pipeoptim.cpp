#include "quartic/method.hpp"

namespace quartic::method {

/// PipeOptim: SpecTrain's prediction with any optimizer. A forward computes with live + n·step, n
/// the updates from the version that it reads to the one that its gradient is applied to.
Method pipeoptim() {
  return {.name = "pipeoptim",
          .order = "1F1B, no flush",
          .reads = {"live, predicted", "live"},
          .staleness = "<= ceil((S-1-s)/M), predicted",
          .drift = "<= ceil((S-1-s)/M)",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "async whose forwards read weights predicted by the optimizer's next step",
          .reference = "Guan et al. 2023, arXiv 2312.00839",
          .optimizer = "momentum",
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options),
                            predicted_weights(shape.accumulate));
          }};
}

}  // namespace quartic::method
