#include <array>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {

/// PACI: one copy of the weights, one accumulator, a local update after every a-th backward; the
/// backward reads ⌊j/a⌋ at every stage, so its drift is at most ⌈(S−1−s)/a⌉.
Method paci() {
  return {.name = "paci",
          .order = "1F1B, no flush",
          .reads = {"live", "live"},
          .staleness = "<= ceil((S-1-s)/a)",
          .drift = "<= ceil((S-1-s)/a)",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "bounded inconsistency: no stash, no barrier, one update per a microbatches",
          .reference = "arXiv 2606.07881",
          .default_accumulate = 8,
          .options = {admission_option("fixed"),
                      {"backward-weights", "live",
                       "weights that the backward reads: live (as in the paper's text) or forward "
                       "(those of the forward, as in effect in the paper's program)"},
                      {"slack", "0",
                       "factor h >= 0: stage s admits ceil(h(S-1-s)) more microbatches, to hide "
                       "latency (ours)"}},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            static constexpr std::array<std::string_view, 2> weights{"live", "forward"};
            bool const live = options.choice("backward-weights", weights) == "live";
            double const slack = options.number("slack", 0, 1e6);
            if (slack > 0 && options.all().at("admission") == "pipeline") {
              usage_error(
                  "--slack: must be 0 with --admission pipeline; use --admission stage or fixed");
            }
            return composed(shape, admission_schedule(shape, options, slack),
                            live ? live_weights() : stashed_weights());
          }};
}

}  // namespace quartic::method
