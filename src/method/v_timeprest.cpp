#include "quartic/method.hpp"

namespace quartic::method {

/// V-TiMePReSt: the newest weights in every pass, one copy.
Method v_timeprest() {
  return {.name = "v-timeprest",
          .order = "nF1B",
          .reads = {"live", "live"},
          .staleness = "<= ceil(dq)",
          .drift = "<= ceil(dq)",
          .copies = "1",
          .activations = "min(M(S-s), hd+M)",
          .bubble = "0",
          .summary = "nF1B on live weights: no stash, so the backward drifts from its forward",
          .reference = "Dutta et al. 2025, arXiv 2509.23241",
          .default_accumulate = 3,
          .options = {backward_option()},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, nf1b_schedule(shape, options), live_weights());
          }};
}

}  // namespace quartic::method
