// methods.md §9, items 1 and 5: what every method must satisfy, over all methods × S × M × costs.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::vector<std::string> const costs{"slot", "real", "f=1,bi=0.7,bw=1.3,latency=0.4", "real",
                                     "f=1,bi=1,bw=1,jitter=0.5,straggler=0:2.5"};

struct Case {
  std::string method;
  plan::Shape shape;
  std::map<std::string, std::string> options;
};

/// Every method with every value of its choices, S = 1…8, M = 1…8 where it takes an M.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (method::Method const& method : method::all_methods()) {
    std::vector<std::map<std::string, std::string>> variants{{}};
    for (method::Option const& option : method.options) {
      if (option.name != "admission") continue;
      variants = {{{"admission", "pipeline"}}, {{"admission", "stage"}}, {{"admission", "fixed"}}};
    }
    for (auto const& options : variants) {
      for (int stages = 1; stages <= 8; ++stages) {
        for (std::int64_t m = 1; m <= (method.accumulates ? 8 : 1); ++m) {
          if (method.name == "pipedream-2bw" && m < stages - 1)
            continue;  // refused, see misuse.cpp
          all.push_back({method.name, {stages, 12 * m, m}, options});
        }
      }
    }
  }
  return all;
}

/// Every action once, every forward before its backward, inputs before use, no worker doing two
/// things at once, no more in flight than declared.
void check_order(WatchedPlan const& plan, plan::Shape const& shape) {
  auto const index = [&](int stage, std::int64_t microbatch) {
    return static_cast<std::size_t>(microbatch * shape.stages + stage);
  };
  std::vector<plan::Ticks> forward_end(static_cast<std::size_t>(shape.microbatches * shape.stages),
                                       -1);
  auto backward_end = forward_end;
  std::vector<plan::Ticks> worker_free(static_cast<std::size_t>(plan.rules.workers), 0);
  std::vector<std::int64_t> in_flight(static_cast<std::size_t>(shape.stages), 0);
  std::size_t wrong = 0;
  plan::Ticks last_begin = 0;
  int last_stage = -1;
  for (plan::PlannedAction const& planned : plan.actions) {
    auto const [kind, stage, j, count] = planned.action;
    bool const forward = kind == plan::Kind::forward;
    wrong += planned.begin < last_begin || (planned.begin == last_begin && stage <= last_stage);
    last_begin = planned.begin;
    last_stage = stage;
    plan::Ticks& free = worker_free[static_cast<std::size_t>(planned.worker)];
    wrong += planned.begin < free || planned.end <= planned.begin;
    free = planned.end;
    auto& own = (forward ? forward_end : backward_end)[index(stage, j)];
    wrong += own != -1;
    own = planned.end;
    if (forward && stage > 0) {
      plan::Ticks const input = forward_end[index(stage - 1, j)];
      wrong += input == -1 || input > planned.begin;
    }
    if (!forward) {
      bool const last = stage + 1 == shape.stages;
      plan::Ticks const input =
          last ? forward_end[index(stage, j)] : backward_end[index(stage + 1, j)];
      wrong += input == -1 || input > planned.begin;
    }
    std::int64_t& held = in_flight[static_cast<std::size_t>(stage)];
    held += forward ? 1 : 0;
    wrong += held > plan.rules.schedule->activations(stage) || held != planned.activations;
    held -= forward ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(std::count(forward_end.begin(), forward_end.end(), -1) == 0);
  CHECK(std::count(backward_end.begin(), backward_end.end(), -1) == 0);
}

/// Each stage's updates are numbered without a gap, in microbatch order; each step once.
/// A forward on the live weights is stale by no more updates than were made since, anywhere.
void check_steps(WatchedPlan const& plan, plan::Shape const& shape, bool reads_live) {
  REQUIRE(std::ssize(plan.steps) == shape.microbatches * shape.stages);
  std::vector<std::int64_t> next(static_cast<std::size_t>(shape.stages), 0);
  std::size_t wrong = 0;
  for (plan::PlannedStep const& step : plan.steps) {
    std::int64_t& expected = next[static_cast<std::size_t>(step.stage)];
    wrong += step.microbatch != expected++;
    wrong += step.minibatch != step.microbatch / shape.accumulate;
    wrong += step.version_applied != step.minibatch;
    wrong += step.version_forward > step.version_backward ||
             step.version_backward > step.version_applied;
    wrong += reads_live && step.delay_own < step.version_applied - step.version_forward;
    wrong += step.delay_oldest < step.delay_own;
    wrong += step.delay_mean > static_cast<double>(step.delay_oldest);
  }
  CHECK(wrong == 0);
}

TEST_CASE("every method keeps the promises of a pipeline") {
  for (Case const& tested : cases()) {
    for (std::string const& cost : costs) {
      CAPTURE(tested.method);
      CAPTURE(tested.shape.stages);
      CAPTURE(tested.shape.accumulate);
      CAPTURE(cost);
      WatchedPlan const plan = watch(tested.method, tested.shape, cost, tested.options);
      check_order(plan, tested.shape);
      bool const reads_live =
          tested.method != "pipedream-2bw" && tested.method != "pipedream-vsync";
      check_steps(plan, tested.shape, reads_live);
    }
  }
}

TEST_CASE("a plan is the same every time, and another seed's jitter is another plan") {
  auto const end = [](std::uint64_t seed) {
    return watch("pipedream", {4, 40, 1}, "f=1,bi=1,bw=1,jitter=0.3", {}, seed).makespan;
  };
  CHECK(end(1) == end(1));
  CHECK(end(1) != end(2));
}

TEST_CASE("one stage: every update at once, nothing stale") {
  for (method::Method const& method : method::all_methods()) {
    CAPTURE(method.name);
    std::int64_t const m = std::max<std::int64_t>(1, method.default_accumulate);
    bool const buffers = method.name == "pipedream-2bw";  // keeps its delay
    WatchedPlan const plan = watch(method.name, {1, 24, m}, "slot");
    CHECK(plan.whole.stages[0].staleness.max() == (buffers ? 1 : 0));
    CHECK(plan.whole.stages[0].weight_copies.max() == (buffers ? 2 : 1));
    CHECK(plan.bubble == doctest::Approx(0));
  }
}

}  // namespace
}  // namespace quartic::test
