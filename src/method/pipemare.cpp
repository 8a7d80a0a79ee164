#include <algorithm>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// Technique 2: the backward reads live − τ·u where it drifts, with τ = (S−1−s)/M and the mean
/// update u of decay D^(1/τ).
class Corrected final : public plan::VersionRule {
 public:
  Corrected(plan::Shape const& shape, double decay) : shape_(shape), decay_(decay) {}
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  plan::Read backward(plan::PassView const& pass) const override {
    bool const drifts = pass.forward_read.version < pass.at.updates;
    return {.version = pass.at.updates,
            .bend = {.mean = drifts && decay_ > 0 ? -distance(pass.at.stage) : 0}};
  }
  bool stashes() const override { return false; }
  double mean_decay(int stage) const override {
    bool const corrects = decay_ > 0 && distance(stage) > 0;
    return corrects ? std::pow(decay_, 1 / distance(stage)) : -1;
  }

 private:
  double distance(int stage) const {
    return static_cast<double>(shape_.stages - 1 - stage) / static_cast<double>(shape_.accumulate);
  }
  plan::Shape shape_;
  double decay_;
};

/// Technique 1: the rate of stage s is η/τ_s^(1−min(k/K₀, 1)), where k counts the updates since the
/// synchronous ones of technique 3, which have the plain rate. τ_s is the staleness of this order,
/// ⌈(S−1−s)/M⌉ versions, and at least 1: a rate is never raised. The paper's (2(S−1−s)+1)/M counts
/// the delays of its own order.
class AnnealedRate final : public Every {
 public:
  AnnealedRate(plan::Shape const& shape, std::int64_t synchronous, std::int64_t annealing)
      : Every(shape.accumulate), shape_(shape), synchronous_(synchronous), annealing_(annealing) {}
  bool rates_depend_on_length() const override { return synchronous_ > 0 || annealing_ > 0; }
  double rate(plan::UpdateView const& update) const override {
    std::int64_t const k = update.version - synchronous_;
    if (k < 0 || k >= annealing_) return 1;
    std::int64_t const later_stages = shape_.stages - 1 - update.stage;
    std::int64_t const staleness = (later_stages + shape_.accumulate - 1) / shape_.accumulate;
    return std::pow(static_cast<double>(std::max<std::int64_t>(staleness, 1)),
                    static_cast<double>(k) / static_cast<double>(annealing_) - 1);
  }

 private:
  plan::Shape shape_;
  std::int64_t synchronous_;
  std::int64_t annealing_;
};

}  // namespace

/// PipeMare. Technique 2 is written from memory of the paper, and the shares of
/// the run that techniques 1 and 3 last are ours.
Method pipemare() {
  return {.name = "pipemare",
          .order = "1F1B, no flush",
          .reads = {"live", "live, corrected by the mean update"},
          .staleness = "<= ceil((S-1-s)/M)",
          .drift = "<= ceil((S-1-s)/M)",
          .copies = "1",
          .activations = "S-s",
          .bubble = "0",
          .summary =
              "async with learning rates scaled by delay, and a backward on an estimate of the "
              "forward's weights",
          .reference = "Yang et al. 2021, arXiv 1910.05124",
          .options = {admission_option("fixed"),
                      {"annealing", "0.25",
                       "T1: fraction of the updates over which the learning rates rise to their "
                       "full value (0: no T1; ours)"},
                      {"correction", "0.1",
                       "T2: decay 0 < D < 1 of the running mean of the updates (0: no T2; written "
                       "from memory of the paper)"},
                      {"synchronous", "0",
                       "T3: fraction of the updates, the first ones, that are synchronous with a "
                       "flush (ours)"}},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            std::int64_t const updates = shape.microbatches / shape.accumulate;
            auto const share = [&](char const* option) {
              return std::llround(options.number(option, 0, 1) * static_cast<double>(updates));
            };
            std::int64_t const synchronous = share("synchronous");
            if (synchronous > 0 && options.all().at("admission") != "fixed") {
              usage_error(
                  "--synchronous: needs --admission fixed, the only one that flushes the first "
                  "updates");
            }
            auto schedule = synchronous > 0 ? one_forward_one_backward_after(
                                                  synchronous * shape.accumulate, shape)
                                            : admission_schedule(shape, options);
            double const decay = options.number("correction", 0, 1);
            if (decay == 1)
              usage_error(
                  "--correction 1: must be below 1, or the running mean would ignore every update");
            plan::Rules rules =
                composed(shape, std::move(schedule), std::make_unique<Corrected>(shape, decay));
            rules.updates = std::make_unique<AnnealedRate>(shape, synchronous, share("annealing"));
            return rules;
          }};
}

}  // namespace quartic::method
