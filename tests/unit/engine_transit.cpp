// What is in transit at any moment of the plan, against the plan's own order of passes.
#include <doctest/doctest.h>

#include <array>

#include "quartic/engine/rounds.hpp"
#include "quartic/engine/transit.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::engine {
namespace {

/// One stage forwards, the next receives, and backwards go the other way.
struct OneByOne final : plan::Schedule {
  plan::Action next(plan::WorkerView const&) const override { return {}; }
  std::int64_t activations(int) const override { return 4; }
  int sampled_stage(std::int64_t microbatch) const override { return microbatch == 9 ? 1 : -1; }
};

plan::Rules three_stages() {
  plan::Rules rules;
  rules.shape.stages = 3;
  rules.schedule = std::make_unique<OneByOne>();
  return rules;
}

std::array<std::int64_t, 6> counts(Transit const& transit) {
  return {transit.to(0).activations, transit.to(1).activations, transit.to(2).activations,
          transit.to(0).gradients,   transit.to(1).gradients,   transit.to(2).gradients};
}

using Counts = std::array<std::int64_t, 6>;

TEST_CASE("a message is in transit from its sender's action to its receiver's") {
  plan::Rules const rules = three_stages();
  Transit transit(rules);
  using enum plan::Kind;
  transit.pass({forward, 0, 0});
  transit.pass({forward, 0, 1});
  CHECK(counts(transit) == Counts{0, 2, 0, 0, 0, 0});
  transit.pass({forward, 1, 0});
  CHECK(counts(transit) == Counts{0, 1, 1, 0, 0, 0});
  transit.pass({forward, 2, 0});
  transit.pass({backward, 2, 0});
  CHECK(counts(transit) == Counts{0, 1, 0, 0, 1, 0});
  transit.pass({backward_input, 1, 0});
  transit.pass({backward_weight, 1, 0});
  CHECK(counts(transit) == Counts{0, 1, 0, 1, 0, 0});
  transit.pass({backward, 0, 0});
  CHECK(counts(transit) == Counts{0, 1, 0, 0, 0, 0});
}

TEST_CASE("an action of several microbatches sends as many messages") {
  plan::Rules const rules = three_stages();
  Transit transit(rules);
  transit.pass({plan::Kind::backward, 2, 0, 3});
  CHECK(transit.to(1).gradients == 3);
  transit.pass({plan::Kind::backward, 1, 0, 3});
  CHECK(transit.to(1).gradients == 0);
  CHECK(transit.to(0).gradients == 3);
}

TEST_CASE("nothing goes below the stage where a backward stops") {
  plan::Rules const rules = three_stages();
  Transit transit(rules);
  transit.pass({plan::Kind::backward_input, 2, 9});
  transit.pass({plan::Kind::backward, 1, 9});
  CHECK(counts(transit) == Counts{0, 0, 0, 0, 0, 0});
}

TEST_CASE("a round's outcome is known one round later, and its length follows the clock") {
  comm::Communicator communicator;
  Rounds rounds(communicator, 10);
  CHECK_FALSE(rounds.due(9));
  REQUIRE(rounds.due(10));
  CHECK_FALSE(rounds.outcome().stop);
  rounds.begin(10, {.stop = true, .written = 7}, 0);
  CHECK(rounds.done());
  CHECK(rounds.outcome().stop);
  CHECK_FALSE(rounds.outcome().checkpoint);
  CHECK(rounds.outcome().written == 7);
  CHECK_FALSE(rounds.due(19));
  REQUIRE(rounds.due(20));
  rounds.begin(20, {.checkpoint = true}, 1'000'000);  // a millisecond: rounds grow from the next on
  CHECK(rounds.outcome().checkpoint);
  CHECK(rounds.outcome().written == -1);
  REQUIRE(rounds.due(30));
  rounds.begin(30, {}, 2'000'000);
  CHECK_FALSE(rounds.due(49));
  REQUIRE(rounds.due(50));
  rounds.begin(50, {}, 1'000'000'000);  // a second: rounds shrink, to 10 actions at the least
  rounds.begin(90, {}, 2'000'000'000);
  CHECK_FALSE(rounds.due(109));
  rounds.begin(110, {}, 3'000'000'000);
  rounds.begin(120, {}, 4'000'000'000);
  CHECK_FALSE(rounds.due(129));
  CHECK(rounds.due(130));
}

}  // namespace
}  // namespace quartic::engine
