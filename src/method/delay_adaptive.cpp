#include <algorithm>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// min(1, c / own delay): a gradient that is older than c block updates takes a shorter step.
class ByDelay final : public Every {
 public:
  ByDelay(std::int64_t accumulate, double c) : Every(accumulate), c_(c) {}
  bool needs_delays() const override { return true; }
  double rate(plan::UpdateView const& update) const override {
    return std::min(1.0, c_ / static_cast<double>(std::max<std::int64_t>(1, update.delay_own_max)));
  }

 private:
  double c_;
};

}  // namespace

/// PipeDream with the delay-adaptive step of asynchronous SGD (Koloskova et al. 2022; Mishchenko et
/// al. 2022), whose delay counts block updates here.
Method delay_adaptive() {
  return {.name = "delay-adaptive",
          .order = "1F1B, no flush",
          .reads = {"live, stashed", "the stash"},
          .staleness = "<= ceil((S-1-s)/M)",
          .drift = "0",
          .copies = "ceil((S-1-s)/M)+1",
          .activations = "S-s",
          .bubble = "0",
          .summary = "pipedream with shorter steps for older gradients",
          .reference =
              "Koloskova et al. 2022, arXiv 2206.08307; Mishchenko et al. 2022, arXiv "
              "2206.07638",
          .options = {admission_option("pipeline"),
                      {"delay-threshold", "",
                       "C > 0 block updates: a step of own delay d > C is taken times C/d "
                       "(default: S)"}},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            bool const is_given = !options.all().at("delay-threshold").empty();
            double const c = is_given ? options.number("delay-threshold", 0) : shape.stages;
            plan::Rules rules =
                composed(shape, admission_schedule(shape, options), stashed_weights());
            rules.updates = std::make_unique<ByDelay>(shape.accumulate, c);
            return rules;
          }};
}

}  // namespace quartic::method
