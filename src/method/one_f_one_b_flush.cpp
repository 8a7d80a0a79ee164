#include "quartic/method.hpp"

namespace quartic::method {

/// PipeDream-Flush: 1F1B inside the minibatch, so that a stage holds S−s microbatches, not M.
Method one_f_one_b_flush() {
  return {.name = "1f1b-flush",
          .order = "1F1B inside the minibatch, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "min(M, S-s)",
          .bubble = "(S-1)/(M+S-1)",
          .summary = "synchronous: GPipe's time with the activations of PipeDream",
          .reference = "Narayanan et al. 2021, arXiv 2006.09503",
          .default_accumulate = 8,
          .options = {},
          .make = [](plan::Shape const& shape, OptionValues const&) {
            return composed(shape, one_forward_one_backward(shape.stages, shape.accumulate),
                            live_weights());
          }};
}

}  // namespace quartic::method
