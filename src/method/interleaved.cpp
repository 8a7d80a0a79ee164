#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

/// Worker q's order of a minibatch (Narayanan et al. 2021, §2.2): groups of Q microbatches pass
/// through its V stages in turn, forward from its first stage up, backward from its last down;
/// 2(Q−q−1)+(V−1)Q forwards to warm up, then a forward and a backward in turn, then the rest.
std::vector<Action> table(plan::Shape const& shape, int workers, int worker) {
  std::int64_t const q = workers;
  std::int64_t const v = shape.stages / workers;
  std::int64_t const passes = shape.accumulate * v;
  auto const action = [&](Kind kind, std::int64_t pass) {
    std::int64_t const turn = pass % (q * v) / q;
    std::int64_t const place = kind == Kind::forward ? turn : v - 1 - turn;
    return Action{kind, static_cast<int>(place * q + worker), pass / (q * v) * q + pass % q};
  };
  std::int64_t const warm_up = std::min(passes, 2 * (q - worker - 1) + (v - 1) * q);
  std::vector<Action> actions;
  for (std::int64_t pass = 0; pass < passes + warm_up; ++pass) {
    if (pass < passes) actions.push_back(action(Kind::forward, pass));
    if (pass >= warm_up) actions.push_back(action(Kind::backward, pass - warm_up));
  }
  return actions;
}

plan::Rules make(plan::Shape const& shape, OptionValues const& options) {
  auto const v = static_cast<int>(options.integer("stages-per-worker", 1, shape.stages));
  if (shape.stages % v != 0) {
    usage_error("--stages-per-worker {}: must divide --stages {}", v, shape.stages);
  }
  int const workers = shape.stages / v;
  if (v == 1) {
    return composed(shape, one_forward_one_backward(shape.stages, shape.accumulate),
                    live_weights());
  }
  if (shape.accumulate % workers != 0) {
    usage_error(
        "--accumulate {}: interleaved sends microbatches in groups of Q = S/V = {}, so M must be a "
        "multiple of Q",
        shape.accumulate, workers);
  }
  std::vector<std::vector<Action>> tables;
  tables.reserve(static_cast<std::size_t>(workers));
  for (int worker = 0; worker < workers; ++worker) tables.push_back(table(shape, workers, worker));
  plan::Rules rules = composed(
      shape, table_schedule(std::move(tables), shape.stages, shape.accumulate), live_weights());
  rules.workers = workers;
  return rules;
}

}  // namespace

/// Interleaved 1F1B: V stages a worker, so that the pipeline fills V times faster.
Method interleaved() {
  return {.name = "interleaved",
          .order = "1F1B, V stages per worker, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "as ordered",
          .bubble = "(Q-1)/(MV+Q-1)",
          .summary = "synchronous: a smaller bubble for more messages",
          .reference = "Narayanan et al. 2021, arXiv 2104.04473",
          .default_accumulate = 8,
          .options = {{"stages-per-worker", "1",
                       "number V >= 1 of stages per worker, a divisor of S; zb-v takes only 2"}},
          .make = make};
}

}  // namespace quartic::method
