#include "quartic/method.hpp"

namespace quartic::method {

/// The serial reference: one microbatch at a time through all stages.
Method sgd() {
  return {.name = "sgd",
          .order = "one microbatch at a time",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "1",
          .bubble = "1 - 1/S",
          .summary = "the serial reference: one update per minibatch, no overlap",
          .reference = "Robbins and Monro 1951",
          .options = {},
          .make = [](plan::Shape const& shape, OptionValues const&) {
            return composed(shape, greedy_admitting_at_first_stage(1), live_weights());
          }};
}

}  // namespace quartic::method
