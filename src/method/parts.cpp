#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;
using plan::PassView;
using plan::Read;
using plan::Schedule;
using plan::StageView;
using plan::VersionRule;
using plan::WorkerView;

class Greedy : public Schedule {
 public:
  Action next(WorkerView const& view) const final {
    StageView const& at = view.hosted.front();
    if (at.backwards == view.microbatches) return {Kind::done, at.stage};
    if (at.backward_ready > at.backwards) return {Kind::backward, at.stage, at.backwards};
    bool const admitted = at.forwards - at.backwards < activations(at.stage);
    if (admitted && at.forward_ready > at.forwards) return {Kind::forward, at.stage, at.forwards};
    return {};
  }
};

class GreedyAdmittingAtFirstStage final : public Greedy {
 public:
  explicit GreedyAdmittingAtFirstStage(std::int64_t admitted) : admitted_(admitted) {}
  // What stage 0 has admitted and not got back is all that a later stage can hold.
  std::int64_t activations(int) const override { return admitted_; }

 private:
  std::int64_t admitted_;
};

/// How many microbatches each stage admits: S−s, and with slack a share more, which hides latency.
struct Admission {
  int stages;
  double slack;
  std::int64_t at(int stage) const {
    int const later = stages - 1 - stage;
    return later + 1 + static_cast<std::int64_t>(std::ceil(slack * later));
  }
};

class GreedyAdmittingAtEachStage final : public Greedy {
 public:
  explicit GreedyAdmittingAtEachStage(Admission admission) : admission_(admission) {}
  std::int64_t activations(int stage) const override { return admission_.at(stage); }

 private:
  Admission admission_;
};

/// Fills the stage with forwards, then takes backward and forward in turn, then the remaining
/// backwards; window after window. From microbatch `last_window` on everything is one window.
class FixedOrder : public Schedule {
 public:
  explicit FixedOrder(std::int64_t window,
                      std::int64_t last_window = std::numeric_limits<std::int64_t>::max())
      : window_(window), last_window_(last_window) {}

  Action next(WorkerView const& view) const final {
    int const stage = view.hosted.front().stage;
    if (view.actions_done == 2 * view.microbatches) return {Kind::done, stage};
    bool const last = view.actions_done / 2 >= last_window_;
    std::int64_t const first = last ? last_window_ : view.actions_done / (2 * window_) * window_;
    std::int64_t const left = view.microbatches - first;
    std::int64_t const size = last ? left : std::min(window_, left);
    std::int64_t const step = view.actions_done - 2 * first;
    std::int64_t const warm_up = std::min(activations(stage), size);
    if (step < warm_up) return {Kind::forward, stage, first + step};
    if (step >= 2 * size - warm_up) return {Kind::backward, stage, first + step - size};
    std::int64_t const turn = step - warm_up;
    if (turn % 2 == 0) return {Kind::backward, stage, first + turn / 2};
    return {Kind::forward, stage, first + warm_up + turn / 2};
  }

 private:
  std::int64_t window_;
  std::int64_t last_window_;
};

class OneForwardOneBackward final : public FixedOrder {
 public:
  template <class... Windows>
  explicit OneForwardOneBackward(Admission admission, Windows... windows)
      : FixedOrder(windows...), admission_(admission) {}
  std::int64_t activations(int stage) const override { return admission_.at(stage); }

 private:
  Admission admission_;
};

class FillAndDrain final : public FixedOrder {
 public:
  explicit FillAndDrain(std::int64_t window) : FixedOrder(window), window_(window) {}
  std::int64_t activations(int) const override { return window_; }

 private:
  std::int64_t window_;
};

class LiveWeights final : public VersionRule {
 public:
  Read forward(PassView const& pass) const override { return {0, pass.at.updates}; }
  Read backward(PassView const& pass) const override { return {0, pass.at.updates}; }
  bool stashes() const override { return false; }
};

class StashedWeights final : public VersionRule {
 public:
  Read forward(PassView const& pass) const override { return {0, pass.at.updates}; }
  Read backward(PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return true; }
};

class PredictedWeights final : public VersionRule {
 public:
  explicit PredictedWeights(std::int64_t accumulate) : accumulate_(accumulate) {}
  Read forward(PassView const& pass) const override {
    std::int64_t const live = pass.at.updates;
    auto const ahead = static_cast<double>(pass.microbatch / accumulate_ - live);
    return {.version = live, .bend = {.step = ahead}};
  }
  bool predicts() const override { return true; }
  Read backward(PassView const& pass) const override { return {0, pass.at.updates}; }
  bool stashes() const override { return false; }

 private:
  std::int64_t accumulate_;
};

}  // namespace

std::unique_ptr<Schedule> greedy_admitting_at_first_stage(std::int64_t admitted) {
  return std::make_unique<GreedyAdmittingAtFirstStage>(admitted);
}
std::unique_ptr<Schedule> greedy_admitting_at_each_stage(int stages, double slack) {
  return std::make_unique<GreedyAdmittingAtEachStage>(Admission{stages, slack});
}
std::unique_ptr<Schedule> one_forward_one_backward(int stages, std::int64_t window, double slack) {
  return std::make_unique<OneForwardOneBackward>(Admission{stages, slack}, window);
}
Option admission_option(std::string_view default_value) {
  return {"admission", std::string(default_value),
          "how microbatches enter: pipeline (at most S in flight, checked at stage 0; greedy), "
          "stage (at most S-s in flight at stage s; greedy) or fixed (one forward, one backward, "
          "at any costs)"};
}
std::unique_ptr<Schedule> admission_schedule(plan::Shape const& shape, OptionValues const& options,
                                             double slack) {
  static constexpr std::array<std::string_view, 3> choices{"pipeline", "stage", "fixed"};
  std::string const& admission = options.choice("admission", choices);
  if (admission == "pipeline") return greedy_admitting_at_first_stage(shape.stages);
  if (admission == "stage") return greedy_admitting_at_each_stage(shape.stages, slack);
  return one_forward_one_backward(shape.stages, shape.microbatches, slack);
}
std::unique_ptr<Schedule> one_forward_one_backward_after(std::int64_t synchronous,
                                                         plan::Shape const& shape) {
  return std::make_unique<OneForwardOneBackward>(Admission{shape.stages, 0}, shape.accumulate,
                                                 synchronous);
}
std::unique_ptr<Schedule> fill_and_drain(std::int64_t window) {
  return std::make_unique<FillAndDrain>(window);
}
std::unique_ptr<VersionRule> live_weights() {
  return std::make_unique<LiveWeights>();
}
std::unique_ptr<VersionRule> stashed_weights() {
  return std::make_unique<StashedWeights>();
}
std::unique_ptr<VersionRule> predicted_weights(std::int64_t accumulate) {
  return std::make_unique<PredictedWeights>(accumulate);
}
plan::Rules composed(plan::Shape const& shape, std::unique_ptr<Schedule const> schedule,
                     std::unique_ptr<VersionRule const> versions) {
  return {.workers = shape.stages,
          .schedule = std::move(schedule),
          .versions = std::move(versions),
          .updates = std::make_unique<Every>(shape.accumulate),
          .period = shape.accumulate};
}

}  // namespace quartic::method
