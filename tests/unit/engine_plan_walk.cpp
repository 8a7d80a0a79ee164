// Where checkpoints lie that are made when the plan is at its end.
#include <doctest/doctest.h>

#include <vector>

#include "unit/small_run.hpp"

namespace quartic::engine {
namespace {

struct CountsSnapshots final : PlanWalk::Visitor {
  int snapshots = 0;
  void snapshot(int, double) override { ++snapshots; }
};

/// A walk through a plan of so many microbatches; `rules` and `cost` outlive it.
struct Walk {
  explicit Walk(std::int64_t microbatches)
      : rules(rules_for(microbatches, 1)), walk(rules, cost, {.every_updates = 7}, 0) {}

  plan::Rules rules;
  plan::Cost cost = plan::Cost::parse("slot", stages, 0);
  CountsSnapshots visitor;
  PlanWalk walk;
};

TEST_CASE("each time that a run comes to the end of its plan is a position of its own") {
  Walk first(10);
  while (first.walk.step(first.visitor) != nullptr) continue;
  int const before = first.visitor.snapshots;
  std::int64_t const actions = first.walk.here().position;
  first.walk.finish(first.visitor);
  CHECK(first.visitor.snapshots == before + stages);
  Checkpoint stopped = first.walk.here();
  CHECK(stopped.position == actions + 1);
  for (int again = 0; again < 2; ++again) {
    Walk resumed(10);
    REQUIRE(resumed.walk.reach(stopped));
    CHECK(resumed.walk.step(resumed.visitor) == nullptr);
    resumed.walk.finish(resumed.visitor);
    CHECK(resumed.visitor.snapshots == 0);  // the checkpoint has those of the end
    CHECK(resumed.walk.here().position == stopped.position + 1);
    stopped = resumed.walk.here();
  }
  Walk longer(20);
  CHECK_FALSE(longer.walk.reach(stopped));
}

TEST_CASE("a plan forks at the last position that a longer one comes to as well") {
  plan::Rules const longer = rules_for(20, 1);
  Walk plain(10);
  PlanWalk walk(plain.rules, plain.cost, {.every_updates = 7}, 0, &longer);
  std::vector<Checkpoint> passed{walk.here()};
  while (walk.step(plain.visitor) != nullptr) passed.push_back(walk.here());
  REQUIRE(walk.fork() > 0);
  for (Checkpoint const& checkpoint : passed) {
    CAPTURE(checkpoint.position);
    CHECK(Walk(20).walk.reach(checkpoint) == (checkpoint.position <= walk.fork()));
  }
}

}  // namespace
}  // namespace quartic::engine
