#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// Every stage reads the version that was live at stage 0 when the microbatch entered.
class TaggedWeights final : public plan::VersionRule {
 public:
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.tags.forward}; }
  plan::Read backward(plan::PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return true; }
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    return last.tags.forward;
  }
};

}  // namespace

/// PipeDream with vertical synchronisation (Harlap et al. 2018, §3.3).
Method pipedream_vsync() {
  return {.name = "pipedream-vsync",
          .order = "1F1B, no flush",
          .reads = {"stage 0's version, stashed", "the stash"},
          .staleness = "S-1",
          .drift = "0",
          .copies = "S",
          .activations = "S-s",
          .bubble = "0",
          .summary = "weight stashing with one version for all stages of a microbatch",
          .reference = "Harlap et al. 2018, arXiv 1806.03377",
          .accumulates = false,
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            return composed(shape, admission_schedule(shape, options),
                            std::make_unique<TaggedWeights>());
          }};
}

}  // namespace quartic::method
