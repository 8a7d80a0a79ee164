#include <algorithm>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// Forwards read stage 0's version of the microbatch's entry, backwards the newest version that was
/// committed everywhere when their minibatch's backward started at the last stage.
class Committed final : public plan::VersionRule {
 public:
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.tags.forward}; }
  plan::Read backward(plan::PassView const& pass) const override { return {0, pass.tags.backward}; }
  bool stashes() const override { return false; }
  /// Neither tag ever falls from one microbatch to the next.
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    return std::min(last.tags.forward, last.tags.backward);
  }
  std::int64_t backward_tag(plan::PassView const& pass) const override {
    return pass.global->committed();
  }
  bool needs_global_view() const override { return true; }
};

}  // namespace

/// TiMePReSt: stored activations of the tagged version, newer weights, no
/// recomputation (ours where the paper is silent).
Method timeprest() {
  return {
      .name = "timeprest",
      .order = "nF1B",
      .reads = {"stage 0's version", "the version committed everywhere"},
      .staleness = "as tagged",
      .drift = "as committed",
      .copies = "tag to live",
      .activations = "min(M(S-s), hd+M)",
      .bubble = "0",
      .summary =
          "nF1B, forward on stage 0's version, backward on the newest version that all stages have",
      .reference = "Dutta et al. 2024, arXiv 2410.14312",
      .default_accumulate = 3,
      .options = {backward_option()},
      .make = [](plan::Shape const& shape, OptionValues const& options) {
        return composed(shape, nf1b_schedule(shape, options), std::make_unique<Committed>());
      }};
}

}  // namespace quartic::method
