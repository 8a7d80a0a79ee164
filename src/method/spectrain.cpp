#include "quartic/method/catalogue.hpp"
#include "quartic/method/parts.hpp"
#include "quartic/method/registry.hpp"

namespace quartic::method {
namespace {

/// Live weights; the forward's are predicted n updates ahead, from the live version to ⌊j/M⌋, which
/// its gradient will be applied to at any timing. A backward has n = 0.
class Predicted final : public plan::VersionRule {
 public:
  explicit Predicted(std::int64_t accumulate) : accumulate_(accumulate) {}
  plan::Read forward(plan::PassView const& pass) const override {
    std::int64_t const live = pass.at.updates;
    return {.version = live, .ahead = pass.microbatch / accumulate_ - live};
  }
  plan::Read backward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  bool stashes() const override { return false; }

 private:
  std::int64_t accumulate_;
};

}  // namespace

/// SpecTrain (methods.md §8): the forward computes with the weights that momentum would have made
/// by the time its gradient is applied.
Method spectrain() {
  return {.name = "spectrain",
          .order = "1F1B, no flush",
          .staleness = "<= ceil((S-1-s)/M), predicted",
          .drift = "<= ceil((S-1-s)/M)",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "async with forwards on weights that are predicted from the momentum",
          .reference = "Chen et al. 2018, arXiv 1809.02839",
          .optimizer = "momentum",
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            plan::Rules rules = composed(shape, admission_schedule(shape, options),
                                         std::make_unique<Predicted>(shape.accumulate));
            rules.transform.kind = plan::Transform::Kind::predict;
            return rules;
          }};
}

}  // namespace quartic::method
