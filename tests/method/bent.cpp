// Methods that bend weights, correct gradients or read delays: what the planner asks of the engine.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

using Options = std::map<std::string, std::string>;

plan::Rules rules_of(std::string const& method, plan::Shape const& shape, Options const& options) {
  return method::make_rules(method::find_method(method), shape, options);
}

/// Calls visit(planned, applied) for every action of the plan.
template <class Visit>
void walk(plan::Rules const& rules, std::string const& cost, Visit visit) {
  plan::Cost const costs = plan::Cost::parse(cost, rules.shape.stages, 0);
  plan::Planner planner(rules, costs);
  while (plan::Decision const* planned = planner.next()) visit(*planned, planner.applied());
}

TEST_CASE("pipeoptim and spectrain predict a forward by the updates up to its gradient's own") {
  for (char const* const method : {"pipeoptim", "spectrain"}) {
    for (char const* const admission : {"pipeline", "stage", "fixed"}) {
      for (std::int64_t const m : {1, 3}) {
        CAPTURE(admission);
        constexpr int stages = 5;
        plan::Rules const rules = rules_of(method, {stages, 40 * m, m}, {{"admission", admission}});
        CHECK(rules.versions->predicts());
        std::map<std::pair<int, std::int64_t>, double> ahead;
        std::size_t backwards = 0;
        walk(rules, "real", [&](plan::Decision const& planned, auto applied) {
          auto const [kind, stage, microbatch, count] = planned.action;
          plan::Read const& read = planned.passes.front().read;
          if (kind == plan::Kind::forward) {
            CHECK(read.bend == plan::Bend{.step = read.bend.step});
            ahead[{stage, microbatch}] = read.bend.step;
          } else {
            backwards += read.bend.is_plain();
          }
          for (plan::PlannedStep const& step : applied) {
            auto const n = static_cast<double>(step.version_applied - step.version_forward);
            CHECK(ahead.at({step.stage, step.microbatch}) == n);
            bool const is_steady = step.microbatch > 5 * stages;
            if (m == 1 && is_steady) CHECK(n == stages - 1 - step.stage);
          }
        });
        CHECK(backwards == static_cast<std::size_t>(stages * 40 * m));
      }
    }
  }
}

TEST_CASE("dc-asgd and delay-adaptive have pipedream's plan") {
  WatchedPlan const pipedream = watch("pipedream", {4, 60, 1}, "real");
  for (char const* const method : {"dc-asgd", "delay-adaptive"}) {
    WatchedPlan const plan = watch(method, {4, 60, 1}, "real");
    REQUIRE(plan.actions.size() == pipedream.actions.size());
    std::size_t equal = 0;
    for (std::size_t i = 0; i < plan.actions.size(); ++i) {
      equal += plan.actions[i].action == pipedream.actions[i].action &&
               plan.actions[i].begin == pipedream.actions[i].begin;
    }
    CHECK(equal == plan.actions.size());
    CHECK(plan.rules.versions->stashes());
  }
}

TEST_CASE("dc-asgd compensates by its option at every stage") {
  for (int stage = 0; stage < 3; ++stage) {
    CHECK(rules_of("dc-asgd", {3, 9, 1}, {}).updates->correction(stage).compensation == 0.04);
    CHECK(rules_of("dc-asgd", {3, 9, 1}, {{"compensation", "0.5"}})
              .updates->correction(stage)
              .compensation == 0.5);
  }
  CHECK(rules_of("pipedream", {3, 9, 1}, {}).updates->correction(0).compensation == 0);
}

TEST_CASE("delay-adaptive takes a step of own delay d times min(1, C/d)") {
  for (double const c : {4.0, 7.5}) {
    Options const given = c == 4 ? Options{} : Options{{"delay-threshold", "7.5"}};  // 4: S
    plan::Rules const rules = rules_of("delay-adaptive", {4, 60, 1}, given);
    CHECK(rules.need_plan());
    double smallest = 1;
    walk(rules, "slot", [&](plan::Decision const& planned, auto applied) {
      for (plan::PlannedStep const& step : applied) {
        double const delay = std::max<double>(1, static_cast<double>(step.delay_own));
        CHECK(planned.rate == std::min(1.0, c / delay));
        if (step.microbatch > 20) smallest = std::min(smallest, planned.rate);
      }
    });
    CHECK(smallest == c / 14);  // floor(S^2 - S/2), the largest own delay in the steady state
  }
}

TEST_CASE("delay-adaptive over several microbatches goes by the oldest of them") {
  plan::Rules const rules = rules_of("delay-adaptive", {4, 60, 3}, {{"admission", "fixed"}});
  std::size_t shortened = 0;
  walk(rules, "slot", [&](plan::Decision const& planned, auto applied) {
    std::int64_t oldest = 1;
    for (plan::PlannedStep const& step : applied) oldest = std::max(oldest, step.delay_own);
    if (applied.empty()) return;
    CHECK(planned.rate == std::min(1.0, 4 / static_cast<double>(oldest)));
    shortened += planned.rate < 1;
  });
  CHECK(shortened > 0);
}

/// A backward in two halves cannot be bent: an update may come in between.
struct BentBackward final : plan::VersionRule {
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  plan::Read backward(plan::PassView const& pass) const override {
    return {.version = pass.at.updates, .bend = {.step = 1}};
  }
  bool stashes() const override { return false; }
};

TEST_CASE("a bend of a backward in two halves is refused") {
  plan::Rules rules = rules_of("zb-1p", {3, 8, 4}, {});
  rules.versions = std::make_unique<BentBackward>();
  CHECK_THROWS_AS(walk(rules, "slot", [](auto const&, auto) {}), Failure);
}

TEST_CASE("an owner that is no worker is refused") {
  plan::Rules rules = rules_of("gpipe", {3, 8, 4}, {});
  rules.owner = {0, 1, 3};
  CHECK_THROWS_AS(walk(rules, "slot", [](auto const&, auto) {}), Failure);
}

TEST_CASE("workers may own any stages, as many as they like") {
  plan::Rules rules = rules_of("sgd", {4, 8, 1}, {});
  rules.workers = 2;
  rules.owner = {0, 1, 1, 1};
  struct OneByOne final : plan::Schedule {
    plan::Action next(plan::WorkerView const& view) const override {
      for (plan::StageView const& at : view.hosted) {
        if (at.backward_ready > at.backwards) return {plan::Kind::backward, at.stage, at.backwards};
      }
      bool done = true;
      for (plan::StageView const& at : view.hosted) {
        done = done && at.backwards == view.microbatches;
        bool const idle = at.forwards == at.backwards;
        if (idle && at.forward_ready > at.forwards)
          return {plan::Kind::forward, at.stage, at.forwards};
      }
      return {done ? plan::Kind::done : plan::Kind::wait, view.hosted.front().stage};
    }
    std::int64_t activations(int) const override { return 1; }
  };
  rules.schedule = std::make_unique<OneByOne>();
  std::map<int, std::size_t> actions;
  walk(rules, "slot", [&](plan::Decision const& planned, auto) {
    CHECK(planned.worker == rules.owner[static_cast<std::size_t>(planned.action.stage)]);
    ++actions[planned.worker];
  });
  CHECK(actions == std::map<int, std::size_t>{{0, 16}, {1, 48}});
}

}  // namespace
}  // namespace quartic::test
