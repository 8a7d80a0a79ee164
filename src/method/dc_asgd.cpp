#include "quartic/method.hpp"

namespace quartic::method {
namespace {

class Compensated final : public Every {
 public:
  Compensated(std::int64_t accumulate, double lambda) : Every(accumulate), lambda_(lambda) {}
  plan::Correction correction(int) const override { return {.compensation = lambda_}; }

 private:
  double lambda_;
};

}  // namespace

/// Delay-compensated SGD on PipeDream's order: the gradient of stashed weights is moved towards
/// that of the live ones by the first term of its Taylor series, with λ·g⊙g for the Hessian.
Method dc_asgd() {
  return {.name = "dc-asgd",
          .order = "1F1B, no flush",
          .reads = {"live, stashed", "the stash"},
          .staleness = "<= ceil((S-1-s)/M)",
          .drift = "0",
          .copies = "ceil((S-1-s)/M)+1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "pipedream with gradients compensated for the delay",
          .reference = "Zheng et al. 2017, arXiv 1609.08326",
          .options = {admission_option("pipeline"),
                      {"compensation", "0.04", "lambda >= 0 of g + lambda g*g*(w_live - w_read)"}},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            plan::Rules rules =
                composed(shape, admission_schedule(shape, options), stashed_weights());
            rules.updates =
                std::make_unique<Compensated>(shape.accumulate, options.number("compensation", 0));
            return rules;
          }};
}

}  // namespace quartic::method
