// What is in transit at any moment of the plan, against the plan's own order of passes.
#include <doctest/doctest.h>

#include <array>

#include "quartic/engine/consensus.hpp"
#include "quartic/engine/transit.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic::engine {
namespace {

std::array<std::int64_t, 6> counts(Transit const& transit) {
  return {transit.to(0).activations, transit.to(1).activations, transit.to(2).activations,
          transit.to(0).gradients,   transit.to(1).gradients,   transit.to(2).gradients};
}

using Counts = std::array<std::int64_t, 6>;

TEST_CASE("a message is in transit from its sender's action to its receiver's") {
  Transit transit(3);
  using enum plan::Kind;
  auto const pass = [&](plan::Action const& action, bool sends = false) {
    transit.pass({.action = action, .sends = sends});
  };
  pass({forward, 0, 0});
  pass({forward, 0, 1});
  CHECK(counts(transit) == Counts{0, 2, 0, 0, 0, 0});
  pass({forward, 1, 0});
  CHECK(counts(transit) == Counts{0, 1, 1, 0, 0, 0});
  pass({forward, 2, 0});
  pass({backward, 2, 0}, true);
  CHECK(counts(transit) == Counts{0, 1, 0, 0, 1, 0});
  pass({backward_input, 1, 0}, true);
  pass({backward_weight, 1, 0});
  CHECK(counts(transit) == Counts{0, 1, 0, 1, 0, 0});
  pass({backward, 0, 0});
  CHECK(counts(transit) == Counts{0, 1, 0, 0, 0, 0});
}

TEST_CASE("an action of several microbatches sends as many messages") {
  Transit transit(3);
  transit.pass({.action = {plan::Kind::backward, 2, 0, 3}, .sends = true});
  CHECK(transit.to(1).gradients == 3);
  transit.pass({.action = {plan::Kind::backward, 1, 0, 3}, .sends = true});
  CHECK(transit.to(1).gradients == 0);
  CHECK(transit.to(0).gradients == 3);
}

TEST_CASE("a round's outcome is known one round later, and its length follows the clock") {
  comm::Communicator communicator;
  Consensus rounds(communicator, 10);
  auto const begin = [&](std::int64_t position, Consensus::Proposal const& proposal,
                         std::int64_t now_ns) {
    REQUIRE(rounds.due(position));
    REQUIRE(rounds.done());
    rounds.begin(position, proposal, now_ns);
    REQUIRE(rounds.done());
  };
  constexpr std::int64_t ms = 1'000'000;
  CHECK_FALSE(rounds.due(9));
  CHECK_FALSE(rounds.outcome().stop);
  begin(10, {.stop = true, .written = 7}, 0);
  CHECK(rounds.outcome().stop);
  CHECK_FALSE(rounds.outcome().checkpoint);
  CHECK(rounds.outcome().written == 7);
  CHECK_FALSE(rounds.due(19));
  begin(20, {.checkpoint = true}, ms);
  CHECK_FALSE(rounds.outcome().stop);
  CHECK(rounds.outcome().checkpoint);
  CHECK(rounds.outcome().written == -1);
  begin(30, {}, 2 * ms);  // the round to 20 took a millisecond: from here on they grow
  CHECK_FALSE(rounds.due(49));
  begin(50, {}, 1000 * ms);
  CHECK_FALSE(rounds.due(89));
  begin(90, {}, 2000 * ms);  // that to 50 took a second: now they shrink
  CHECK_FALSE(rounds.due(109));
  begin(110, {}, 3000 * ms);
  begin(120, {}, 4000 * ms);  // to 10 actions at the least
  CHECK_FALSE(rounds.due(129));
  begin(130, {}, 5000 * ms);
}

}  // namespace
}  // namespace quartic::engine
