#include <algorithm>
#include <vector>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

/// ZB-1p by hand: S−s−1 forwards, then forward and input gradient in turn, the
/// weight gradient of j−s straight after the input gradient of j, what is left of them at the end.
std::vector<Action> table_1p(plan::Shape const& shape, int stage) {
  std::int64_t const m = shape.accumulate;
  std::vector<Action> table;
  std::int64_t forwards = 0;
  std::int64_t weights = 0;
  auto const forward = [&] {
    if (forwards < m) table.push_back({Kind::forward, stage, forwards++});
  };
  while (forwards < std::min<std::int64_t>(m, shape.stages - 1 - stage)) forward();
  for (std::int64_t j = 0; j < m; ++j) {
    forward();
    table.push_back({Kind::backward_input, stage, j});
    if (j >= stage) table.push_back({Kind::backward_weight, stage, weights++});
  }
  while (weights < m) table.push_back({Kind::backward_weight, stage, weights++});
  return table;
}

/// ZB-2p: greedy, input gradient before forward before weight gradient, with at
/// most 2(S−s)−1 microbatches between F and I and 2S−1 between F and W; a stage goes on to the next
/// minibatch once it has flushed its own.
class ZeroBubble2p final : public plan::Schedule {
 public:
  explicit ZeroBubble2p(plan::Shape const& shape) : shape_(shape) {}

  Action next(plan::WorkerView const& view) const override {
    plan::StageView const& at = view.hosted.front();
    if (at.weight_backwards == view.microbatches) return {Kind::done, at.stage};
    if (at.backward_ready > at.backwards) return {Kind::backward_input, at.stage, at.backwards};
    if (may_forward(at) && at.forward_ready > at.forwards)
      return {Kind::forward, at.stage, at.forwards};
    if (at.backwards > at.weight_backwards)
      return {Kind::backward_weight, at.stage, at.weight_backwards};
    return {};
  }
  std::int64_t activations(int) const override {
    return std::min<std::int64_t>(2 * shape_.stages - 1, shape_.accumulate);
  }

 private:
  bool may_forward(plan::StageView const& at) const {
    std::int64_t const flushed = at.weight_backwards / shape_.accumulate;
    return at.forwards < (flushed + 1) * shape_.accumulate &&
           at.forwards - at.backwards < 2 * (shape_.stages - at.stage) - 1 &&
           at.forwards - at.weight_backwards < 2 * shape_.stages - 1;
  }
  plan::Shape shape_;
};

}  // namespace

Method zero_bubble_1p() {
  return {.name = "zb-1p",
          .order = "1F1B, backward split, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "S",
          .bubble = "(S-1)(f+bi-bw) per flush",
          .summary = "synchronous: weight gradients fill the idle time that input gradients leave",
          .reference = "Qi et al. 2024, arXiv 2401.10241",
          .default_accumulate = 8,
          .options = {},
          .make = [](plan::Shape const& shape, OptionValues const&) {
            std::vector<std::vector<Action>> tables;
            tables.reserve(static_cast<std::size_t>(shape.stages));
            for (int stage = 0; stage < shape.stages; ++stage) {
              tables.push_back(table_1p(shape, stage));
            }
            return composed(shape,
                            table_schedule(std::move(tables), shape.stages, shape.accumulate),
                            live_weights());
          }};
}

Method zero_bubble_2p() {
  return {.name = "zb-2p",
          .order = "greedy I, F, W, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "2S-1",
          .bubble = "0 if M >= 2S-1",
          .summary = "synchronous: twice the activations, no idle time at f = bi = bw",
          .reference = "Qi et al. 2024, arXiv 2401.10241",
          .default_accumulate = 8,
          .options = {},
          .make = [](plan::Shape const& shape, OptionValues const&) {
            return composed(shape, std::make_unique<ZeroBubble2p>(shape), live_weights());
          }};
}

}  // namespace quartic::method
