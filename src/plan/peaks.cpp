#include "quartic/plan/peaks.hpp"

#include <algorithm>
#include <array>

namespace quartic::plan {
namespace {

constexpr int most_actions = 50'000;

}  // namespace

std::vector<StagePeak> peaks(Rules const& rules, Cost const& cost) {
  auto const stages = static_cast<std::size_t>(rules.shape.stages);
  std::vector<StagePeak> peaks(stages, StagePeak{rules.replicas, 1, 1});
  std::vector<std::int64_t> input_halves(stages);  // whose weight halves have not come yet
  std::vector<std::array<bool, 2>> bends(stages);  // by kind: forward, backward
  Planner planner(rules, cost);
  for (int i = 0; i < most_actions; ++i) {
    Decision const* const planned = planner.next();
    if (planned == nullptr) break;
    auto const stage = static_cast<std::size_t>(planned->action.stage);
    std::int64_t& halves = input_halves[stage];
    if (planned->action.kind == Kind::backward_input) halves += planned->action.count;
    StagePeak& peak = peaks[stage];
    peak.weight_copies = std::max<std::int64_t>(peak.weight_copies, planned->weight_copies);
    peak.activations = std::max<std::int64_t>(peak.activations, planned->activations);
    peak.flows = std::max(peak.flows, halves);
    bool& bent = bends[stage][planned->action.kind == Kind::forward ? 0 : 1];
    bool const bends_now = std::any_of(
        planned->passes.begin(), planned->passes.end(),
        [](Pass const& pass) { return pass.read.kept >= 0 || !pass.read.bend.is_plain(); });
    if (bends_now && !bent) peak.bent += rules.replicas;
    bent = bent || bends_now;
    bool const given_back = planned->action.kind == Kind::backward_weight ||
                            (planned->action.kind == Kind::backward_input && planned->ends);
    if (given_back) halves -= planned->action.count;
  }
  return peaks;
}

}  // namespace quartic::plan
