#include <array>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

class Nf1b final : public plan::Schedule {
 public:
  Nf1b(plan::Shape const& shape, bool whole) : shape_(shape), whole_(whole) {}

  Action next(plan::WorkerView const& view) const override {
    plan::StageView const& at = view.hosted.front();
    if (at.backwards == view.microbatches) return {Kind::done, at.stage};
    if (may_backward(at)) {
      return {Kind::backward, at.stage, at.backwards,
              static_cast<std::int32_t>(whole_ ? shape_.accumulate : 1)};
    }
    if (may_forward(at)) return {Kind::forward, at.stage, at.forwards};
    return {};
  }
  std::int64_t activations(int stage) const override {
    return shape_.accumulate * (shape_.stages - stage);
  }

 private:
  std::int64_t minibatch(std::int64_t microbatch) const { return microbatch / shape_.accumulate; }
  /// The loss is the mean over the minibatch, so its backward starts when all of it is forward. A
  /// stage that sends a whole backward sends all its messages together: the first stands for all.
  bool may_backward(plan::StageView const& at) const {
    bool const last = at.stage + 1 == shape_.stages;
    if (last) return minibatch(at.forwards) > minibatch(at.backwards);
    return at.backward_ready > at.backwards;
  }
  bool may_forward(plan::StageView const& at) const {
    std::int64_t const in_flight = minibatch(at.forwards) - minibatch(at.backwards);
    return at.forward_ready > at.forwards && in_flight < shape_.stages - at.stage;
  }

  plan::Shape shape_;
  bool whole_;
};

}  // namespace

Option backward_option() {
  return {"backward", "chunk",
          "chunk (a backward for each microbatch, one update after the last; ours) or mono (one "
          "backward for the whole minibatch)"};
}

std::unique_ptr<plan::Schedule> nf1b_schedule(plan::Shape const& shape,
                                              OptionValues const& options) {
  static constexpr std::array<std::string_view, 2> pieces{"chunk", "mono"};
  return std::make_unique<Nf1b>(shape, options.choice("backward", pieces) == "mono");
}

}  // namespace quartic::method
