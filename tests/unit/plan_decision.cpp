// What the rules say about one action, wherever it is asked: in the plan or on arrival.
#include <doctest/doctest.h>

#include "quartic/plan/decision.hpp"

namespace quartic::plan {
namespace {

constexpr int stages = 3;

/// Microbatch 9 updates stage 1 alone.
struct Sampling final : Schedule {
  Action next(WorkerView const&) const override { return {}; }
  std::int64_t activations(int) const override { return 4; }
  int sampled_stage(std::int64_t microbatch) const override { return microbatch == 9 ? 1 : -1; }
  std::int64_t data_index(std::int64_t microbatch) const override { return microbatch + 100; }
};
struct Numbered final : VersionRule {
  Read forward(PassView const& pass) const override { return {.version = 10 + pass.microbatch}; }
  Read backward(PassView const& pass) const override {
    return {.version = pass.forward_read.version + 1};
  }
  bool stashes() const override { return true; }
};
struct EveryThird final : UpdateRule {
  bool applies_after(int, std::int64_t microbatch) const override { return microbatch % 3 == 2; }
  std::int64_t minibatch(std::int64_t microbatch) const override { return microbatch / 3; }
  bool averages_after(std::int64_t microbatch) const override { return microbatch == 5; }
};

struct Asked {
  Rules rules = {.shape = {stages, 12, 3},
                 .schedule = std::make_unique<Sampling>(),
                 .versions = std::make_unique<Numbered>(),
                 .updates = std::make_unique<EveryThird>(),
                 .replicas = 2};
  Decider decider{rules};
  Decision of(Action const& action) {
    Decision decision{.action = action};
    Decider::Route route;
    Tags tags;
    Read const forward_read{.version = 7};
    auto const known = [&](std::int64_t j) {
      route = decider.route(j);
      tags = {.forward = j, .backward = 2 * j};
      return Decider::Known{route, tags, forward_read};
    };
    decider.decide(decision, {.stage = action.stage}, known, nullptr);
    return decision;
  }
};

TEST_CASE("a decision has a pass for each microbatch, with what it reads") {
  Asked asked;
  Decision const forward = asked.of({Kind::forward, 1, 4});
  REQUIRE(forward.passes.size() == 1);
  CHECK(forward.passes[0].microbatch == 4);
  CHECK(forward.passes[0].minibatch == 1);
  CHECK(forward.passes[0].data_index == 104);
  CHECK(forward.passes[0].read.version == 14);
  CHECK(forward.tags.forward == 4);
  Decision const backward = asked.of({Kind::backward, 1, 3, 3});
  REQUIRE(backward.passes.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(backward.passes[i].microbatch == static_cast<std::int64_t>(3 + i));
    CHECK(backward.passes[i].read.version == 8);
    CHECK(backward.passes[i].read.replica == static_cast<int>((3 + i) % 2));
  }
  CHECK(backward.tags.backward == 6);
}

TEST_CASE("an update comes with the last microbatch of an action that forms gradients") {
  Asked asked;
  CHECK(asked.of({Kind::backward, 1, 3, 3}).updates);
  CHECK(asked.of({Kind::backward, 1, 3, 3}).averages);
  CHECK(asked.of({Kind::backward_weight, 0, 2}).updates);
  CHECK_FALSE(asked.of({Kind::backward_weight, 0, 2}).averages);
  CHECK_FALSE(asked.of({Kind::backward, 1, 3, 2}).updates);
  CHECK_FALSE(asked.of({Kind::backward_input, 1, 2}).updates);
  CHECK_FALSE(asked.of({Kind::forward, 1, 2}).updates);
}

TEST_CASE("an input gradient goes to the stage below, down to stage 0") {
  Asked asked;
  for (Kind const kind : {Kind::backward, Kind::backward_input}) {
    CHECK(asked.of({kind, 2, 0}).sends);
    CHECK(asked.of({kind, 1, 0}).sends);
    CHECK_FALSE(asked.of({kind, 0, 0}).sends);
  }
  CHECK_FALSE(asked.of({Kind::backward_weight, 2, 0}).sends);
  CHECK_FALSE(asked.of({Kind::forward, 2, 0}).sends);
}

TEST_CASE("a microbatch that updates one stage stops there, and ends elsewhere before") {
  Asked asked;
  CHECK(asked.of({Kind::forward, 0, 9}).ends);  // its backward never comes
  CHECK_FALSE(asked.of({Kind::forward, 1, 9}).ends);
  CHECK_FALSE(asked.of({Kind::forward, 2, 9}).ends);
  CHECK(asked.of({Kind::backward_input, 2, 9}).ends);
  CHECK(asked.of({Kind::backward_input, 2, 9}).sends);
  CHECK(asked.of({Kind::backward, 1, 9}).ends);
  CHECK_FALSE(asked.of({Kind::backward, 1, 9}).sends);
}

TEST_CASE("a stage holds a microbatch until its weight half") {
  Asked asked;
  CHECK_FALSE(asked.of({Kind::forward, 1, 0}).ends);
  CHECK_FALSE(asked.of({Kind::backward_input, 1, 0}).ends);
  CHECK(asked.of({Kind::backward_weight, 1, 0}).ends);
  CHECK(asked.of({Kind::backward, 1, 0}).ends);
}

}  // namespace
}  // namespace quartic::plan
