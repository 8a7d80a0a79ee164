#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

/// Both passes of microbatch j read version max(0, ⌊j/M⌋ − 1), the older of two buffers.
class DoubleBuffer final : public plan::VersionRule {
 public:
  explicit DoubleBuffer(std::int64_t accumulate) : accumulate_(accumulate) {}
  plan::Read forward(plan::PassView const& pass) const override {
    return {0, version(pass.microbatch)};
  }
  plan::Read backward(plan::PassView const& pass) const override {
    return {0, version(pass.microbatch)};
  }
  bool stashes() const override { return true; }
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    return std::min(version(last.at.forwards), last.at.updates);
  }

 private:
  std::int64_t version(std::int64_t microbatch) const {
    return std::max<std::int64_t>(0, microbatch / accumulate_ - 1);
  }
  std::int64_t accumulate_;
};

}  // namespace

/// PipeDream-2BW: a constant delay of one update at every stage.
Method pipedream_2bw() {
  return {.name = "pipedream-2bw",
          .order = "1F1B, no flush",
          .reads = {"the older of two buffers", "the same buffer"},
          .staleness = "1",
          .drift = "0",
          .copies = "2",
          .activations = "S-s",
          .bubble = "0",
          .summary =
              "gradients of M microbatches; two weight buffers, so a constant delay of one update",
          .reference = "Narayanan et al. 2021, arXiv 2006.09503",
          .default_accumulate = accumulate_stages,
          .options = {admission_option("fixed")},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            if (shape.accumulate < shape.stages - 1) {
              usage_error(
                  "--accumulate {}: pipedream-2bw needs at least S-1 = {}, or a forward would read "
                  "a version that does not exist yet",
                  shape.accumulate, shape.stages - 1);
            }
            return composed(shape, admission_schedule(shape, options),
                            std::make_unique<DoubleBuffer>(shape.accumulate));
          }};
}

}  // namespace quartic::method
