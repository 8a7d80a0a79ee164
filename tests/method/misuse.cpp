// What the planner and the registry refuse, and what they say.
#include <doctest/doctest.h>

#include <algorithm>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::string message_of(std::string const& method, plan::Shape const& shape,
                       std::map<std::string, std::string> const& options = {}) {
  try {
    method::make_rules(method::find_method(method), shape, options);
  } catch (UsageError const& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("a shape or option that a method cannot have is a usage error that says what is valid") {
  CHECK(message_of("pipedreams", {4, 8, 1}).find("valid: sgd, gpipe, 1f1b-flush, ") !=
        std::string::npos);
  CHECK(message_of("pipedream", {4, 8, 2}).find("must be 1") != std::string::npos);
  CHECK(message_of("gpipe", {4, 10, 4}).find("the nearest are 8 and 12") != std::string::npos);
  CHECK(message_of("gpipe", {4, 3, 4}).find("the nearest are 4") != std::string::npos);
  CHECK(message_of("gpipe", {0, 4, 4}).find("--stages 0") != std::string::npos);
  CHECK(message_of("gpipe", {4, 4, 4}, {{"admission", "fixed"}})
            .find("not an option of method gpipe") != std::string::npos);
  CHECK(message_of("async", {4, 4, 1}, {{"admission", "all"}})
            .find("valid: pipeline, stage, fixed") != std::string::npos);
  CHECK(message_of("async", {4, 4, 1}, {{"admission", "stage"}}) == "accepted");
  CHECK(message_of("pipedream-2bw", {8, 24, 6}).find("at least S-1 = 7") != std::string::npos);
  CHECK(message_of("pipedream-2bw", {8, 21, 7}) == "accepted");
  CHECK(message_of("paci", {8, 24, 6}, {{"slack", "-1"}}).find("0 to") != std::string::npos);
  CHECK(message_of("paci", {8, 24, 6}, {{"backward-weights", "old"}}).find("live, forward") !=
        std::string::npos);
}

/// A fixed order that asks the last stage for a backward before its forward.
class Stuck final : public plan::Schedule {
 public:
  plan::Action next(plan::WorkerView const& view) const override {
    return {plan::Kind::backward, view.hosted.front().stage, 0};
  }
  std::int64_t activations(int) const override { return 1; }
};

/// Declares one microbatch in flight and takes two.
class Greedy final : public plan::Schedule {
 public:
  plan::Action next(plan::WorkerView const& view) const override {
    auto const& at = view.hosted.front();
    return {plan::Kind::forward, at.stage, at.forwards};
  }
  std::int64_t activations(int) const override { return 1; }
};

std::string report_of(std::unique_ptr<plan::Schedule const> schedule) {
  plan::Rules rules = method::make_rules(method::find_method("sgd"), {2, 4, 1}, {});
  rules.schedule = std::move(schedule);
  plan::Cost const cost = plan::Cost::parse("slot", 2, 0);
  plan::Planner planner(rules, cost);
  try {
    while (planner.next() != nullptr) {
    }
  } catch (Failure const& error) {
    return error.what();
  }
  return "planned";
}

TEST_CASE("a deadlock is reported with what each stage waits for") {
  std::string const report = report_of(std::make_unique<Stuck const>());
  CHECK(report.find("deadlock at plan time 0") != std::string::npos);
  CHECK(report.find("stage 1: 0 forwards of 0 arrived") != std::string::npos);
}

/// Reads a version that nobody keeps.
class Forgotten final : public plan::VersionRule {
 public:
  plan::Read forward(plan::PassView const& pass) const override {
    return {0, std::max<std::int64_t>(0, pass.at.updates - 1)};
  }
  plan::Read backward(plan::PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return true; }
};

TEST_CASE("a read of a version that is not kept is caught") {
  plan::Rules rules = method::make_rules(method::find_method("pipedream"), {2, 8, 1}, {});
  rules.versions = std::make_unique<Forgotten const>();
  plan::Cost const cost = plan::Cost::parse("slot", 2, 0);
  plan::Planner planner(rules, cost);
  auto const plan_all = [&] {
    while (planner.next() != nullptr) {
    }
  };
  CHECK_THROWS_WITH_AS(plan_all(), doctest::Contains("which is not kept"), Failure);
}

TEST_CASE("a schedule that takes more than it declared is caught") {
  CHECK(report_of(std::make_unique<Greedy const>()).find("declares at most 1") !=
        std::string::npos);
}

}  // namespace
}  // namespace quartic::test
