#include "quartic/method.hpp"

namespace quartic::method {

/// GPipe: all forwards of a minibatch, then all its backwards, in ascending order.
Method gpipe() {
  return {.name = "gpipe",
          .order = "M forwards, M backwards, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "M",
          .bubble = "(S-1)/(M+S-1)",
          .summary = "synchronous: the pipeline fills and drains every minibatch",
          .reference = "Huang et al. 2019, arXiv 1811.06965",
          .default_accumulate = 8,
          .options = {},
          .make = [](plan::Shape const& shape, OptionValues const&) {
            return composed(shape, fill_and_drain(shape.accumulate), live_weights());
          }};
}

}  // namespace quartic::method
