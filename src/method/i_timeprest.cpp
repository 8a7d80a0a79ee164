#include "quartic/method/catalogue.hpp"
#include "quartic/method/parts.hpp"
#include "quartic/method/registry.hpp"

namespace quartic::method {
namespace {

/// The forward's weights are kept; the backward reads a blend of them and the live ones.
class Blended final : public plan::VersionRule {
 public:
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  plan::Read backward(plan::PassView const& pass) const override {
    return {0, pass.forward_read.version, pass.at.updates};
  }
  bool stashes() const override { return true; }
};

}  // namespace

/// I-TiMePReSt: backward weights ω·w_stale + (1−ω)·w_live with ω = exp(−λ·drift), a formula of ours
/// for the paper's intermediate weights (methods.md §7).
Method i_timeprest() {
  return {
      .name = "i-timeprest",
      .order = "nF1B",
      .staleness = "<= ceil(dq)",
      .drift = "<= ceil(dq)",
      .copies = "ceil(dq)+1",
      .activations = "min(M(S-s), hd+M)",
      .bubble = "0",
      .summary = "nF1B, backward on an average of the forward's weights and the live weights",
      .reference = "Dutta et al. 2025, arXiv 2509.23241",
      .default_accumulate = 3,
      .options = {backward_option(),
                  {"lambda", "1",
                   "rate L >= 0 or inf: the backward averages the forward's and the live weights, "
                   "the forward's with weight exp(-L drift) (ours)"}},
      .make = [](plan::Shape const& shape, OptionValues const& options) {
        plan::Rules rules =
            composed(shape, nf1b_schedule(shape, options), std::make_unique<Blended>());
        rules.transform = {plan::Transform::Kind::blend, options.number_or_infinity("lambda", 0)};
        return rules;
      }};
}

}  // namespace quartic::method
