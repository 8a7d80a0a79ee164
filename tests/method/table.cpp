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

/// When each pass of each microbatch at each stage ended; -1 before.
class Ends {
 public:
  explicit Ends(plan::Shape const& shape)
      : stages_(shape.stages),
        ends_(static_cast<std::size_t>(shape.microbatches * shape.stages), -1) {}
  plan::Ticks& of(int stage, std::int64_t microbatch) {
    return ends_[static_cast<std::size_t>(microbatch * stages_ + stage)];
  }
  bool complete() const { return std::count(ends_.begin(), ends_.end(), -1) == 0; }

 private:
  int stages_;
  std::vector<plan::Ticks> ends_;
};

/// Every action once, every forward before its backward and both its halves, inputs before use, no
/// worker doing two things at once, no more in flight than declared.
void check_order(WatchedPlan const& plan, plan::Shape const& shape) {
  Ends forward(shape);
  Ends input_gradient(shape);
  Ends weight_gradient(shape);
  std::vector<plan::Ticks> worker_free(static_cast<std::size_t>(plan.rules.workers), 0);
  std::vector<std::int64_t> in_flight(static_cast<std::size_t>(shape.stages), 0);
  std::size_t wrong = 0;
  auto const ended = [&](plan::Ticks end, plan::Ticks by) { wrong += end == -1 || end > by; };
  auto const once = [&](plan::Ticks& end, plan::Ticks now) {
    wrong += end != -1;
    end = now;
  };
  plan::Ticks last_begin = 0;
  int last_stage = -1;
  for (plan::PlannedAction const& planned : plan.actions) {
    auto const [kind, stage, j, count] = planned.action;
    wrong += planned.begin < last_begin || (planned.begin == last_begin && stage <= last_stage);
    last_begin = planned.begin;
    last_stage = stage;
    plan::Ticks& free = worker_free[static_cast<std::size_t>(planned.worker)];
    wrong += planned.begin < free || planned.end <= planned.begin;
    free = planned.end;
    std::int64_t& held = in_flight[static_cast<std::size_t>(stage)];
    bool const last = stage + 1 == shape.stages;
    if (kind == plan::Kind::forward) {
      if (stage > 0) ended(forward.of(stage - 1, j), planned.begin);
      once(forward.of(stage, j), planned.end);
      ++held;
    }
    if (kind == plan::Kind::backward || kind == plan::Kind::backward_input) {
      ended(last ? forward.of(stage, j) : input_gradient.of(stage + 1, j), planned.begin);
      once(input_gradient.of(stage, j), planned.end);
    }
    if (kind == plan::Kind::backward_weight) ended(input_gradient.of(stage, j), planned.begin);
    bool const releases = kind == plan::Kind::backward || kind == plan::Kind::backward_weight;
    if (releases) once(weight_gradient.of(stage, j), planned.end);
    wrong += held > plan.rules.schedule->activations(stage);
    if (kind != plan::Kind::backward_input) wrong += held != planned.activations;
    held -= releases ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(forward.complete());
  CHECK(input_gradient.complete());
  CHECK(weight_gradient.complete());
}

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
    std::int64_t const m = method::default_accumulate(method, 1);
    bool const buffers = method.name == "pipedream-2bw";  // keeps its delay
    WatchedPlan const plan = watch(method.name, {1, 24, m}, "slot");
    CHECK(plan.whole.stages[0].staleness.max() == (buffers ? 1 : 0));
    CHECK(plan.whole.stages[0].weight_copies.max() == (buffers ? 2 : 1));
    CHECK(plan.bubble == doctest::Approx(0));
  }
}

}  // namespace
}  // namespace quartic::test
