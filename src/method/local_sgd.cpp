#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

/// Greedy, a backward first. A replica's next local step waits for the step before, a round for
/// all backwards of the round before at this stage; so for the last of them at stage 0, because
/// nothing comes past a stage 0 that waits.
class Rounds final : public plan::Schedule {
 public:
  Rounds(std::int64_t replicas, std::int64_t local_steps)
      : replicas_(replicas), round_(replicas * local_steps) {}

  Action next(plan::WorkerView const& view) const override {
    plan::StageView const& at = view.hosted.front();
    if (at.backwards == view.microbatches) return {Kind::done, at.stage};
    if (at.backward_ready > at.backwards) return {Kind::backward, at.stage, at.backwards};
    if (at.forward_ready > at.forwards && at.backwards >= needed(at.forwards)) {
      return {Kind::forward, at.stage, at.forwards};
    }
    return {};
  }
  std::int64_t activations(int) const override { return replicas_; }

 private:
  /// Backwards at this stage that come before the forward of a microbatch.
  std::int64_t needed(std::int64_t microbatch) const {
    return std::max(microbatch / round_ * round_, microbatch - replicas_ + 1);
  }
  std::int64_t replicas_;
  std::int64_t round_;
};

/// A replica's one microbatch in flight reads what the replica's last one has left.
class OwnReplica final : public plan::VersionRule {
 public:
  explicit OwnReplica(std::int64_t replicas) : replicas_(replicas) {}
  plan::Read forward(plan::PassView const& pass) const override {
    return {0, pass.microbatch / replicas_};
  }
  plan::Read backward(plan::PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return false; }
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    bool const updated = last.at.backwards > last.microbatch;
    return last.microbatch / replicas_ + (updated ? 1 : 0);
  }

 private:
  std::int64_t replicas_;
};

class EveryRound final : public plan::UpdateRule {
 public:
  EveryRound(std::int64_t replicas, std::int64_t local_steps)
      : replicas_(replicas), round_(replicas * local_steps) {}
  bool applies_after(int, std::int64_t) const override { return true; }
  std::int64_t minibatch(std::int64_t microbatch) const override { return microbatch / replicas_; }
  bool averages_after(std::int64_t microbatch) const override {
    return (microbatch + 1) % round_ == 0;
  }

 private:
  std::int64_t replicas_;
  std::int64_t round_;
};

}  // namespace

/// LocalSGD on the pipeline: a round takes 2S(H+1)−2 slots at R = S.
Method local_sgd() {
  return {.name = "local-sgd",
          .order = "R replicas in turn",
          .reads = {"own replica", "own replica"},
          .staleness = "0",
          .drift = "0",
          .copies = "R",
          .activations = "R",
          .bubble = "1 - H/(H+1-1/S)",
          .summary = "replicas interleaved in one pipeline, averaged every H steps",
          .reference = "Ilin and Richtarik 2026, arXiv 2606.03498",
          .accumulates = false,
          .options = {{"replicas", "",
                       "number R >= 1 of copies of the model in the pipeline (default: S)"},
                      {"local-steps", "1",
                       "number H >= 1 of steps of each replica between two averages"}},
          .make = [](plan::Shape const& shape, OptionValues const& options) {
            bool const given = !options.all().at("replicas").empty();
            std::int64_t const replicas =
                given ? options.integer("replicas", 1, largest_replicas) : shape.stages;
            if (replicas > shape.microbatches) {
              usage_error(
                  "--replicas {}: must be at most the {} microbatches, or some replicas would "
                  "never train",
                  replicas, shape.microbatches);
            }
            std::int64_t const local_steps = options.integer("local-steps", 1, largest_local_steps);
            return plan::Rules{.workers = shape.stages,
                               .schedule = std::make_unique<Rounds>(replicas, local_steps),
                               .versions = std::make_unique<OwnReplica>(replicas),
                               .updates = std::make_unique<EveryRound>(replicas, local_steps),
                               .period = replicas * local_steps,
                               .replicas = static_cast<int>(replicas)};
          }};
}

}  // namespace quartic::method
