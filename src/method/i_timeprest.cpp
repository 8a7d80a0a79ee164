#include <cmath>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// The forward's weights are kept; the backward reads ω·w_stale + (1−ω)·w_live with
/// ω = exp(−λ·drift), which is 1 without drift at any λ.
class Blended final : public plan::VersionRule {
 public:
  explicit Blended(double lambda) : lambda_(lambda) {}
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  plan::Read backward(plan::PassView const& pass) const override {
    std::int64_t const drift = pass.at.updates - pass.forward_read.version;
    double const omega = drift == 0 ? 1 : std::exp(-lambda_ * static_cast<double>(drift));
    return {.version = pass.forward_read.version,
            .recorded = pass.at.updates,
            .bend = {.read = omega, .live = 1 - omega}};
  }
  bool stashes() const override { return true; }

 private:
  double lambda_;
};

}  // namespace

/// I-TiMePReSt: backward weights ω·w_stale + (1−ω)·w_live with ω = exp(−λ·drift), a formula of ours
/// for the paper's intermediate weights.
Method i_timeprest() {
  return {
      .name = "i-timeprest",
      .order = "nF1B",
      .reads = {"live, stashed", "between stash and live"},
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
        return composed(shape, nf1b_schedule(shape, options),
                        std::make_unique<Blended>(options.number_or_infinity("lambda", 0)));
      }};
}

}  // namespace quartic::method
