// What every method must satisfy, over all methods × S × M × costs.
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

using Options = std::map<std::string, std::string>;

/// The values of the options that decide a method's order or versions.
std::vector<Options> variants(method::Method const& method) {
  static std::map<std::string, std::vector<std::string>> const values{
      {"admission", {"pipeline", "stage", "fixed"}},
      {"backward", {"chunk", "mono"}},
      {"backward-weights", {"live", "forward"}},
      {"delays", {"uniform", "fixed:3"}},
      {"replicas", {"", "1", "3"}},
      {"local-steps", {"1", "3"}},
      {"stages-per-worker", {"1", "2"}}};
  std::vector<Options> all{{}};
  for (method::Option const& option : method.options) {
    auto const known = values.find(option.name);
    if (known == values.end()) continue;
    std::vector<Options> longer;
    for (Options const& so_far : all) {
      for (std::string const& value : known->second) {
        longer.push_back(so_far);
        longer.back()[option.name] = value;
      }
    }
    all = longer;
  }
  return all;
}

/// What misuse.cpp shows to be refused.
bool refused(std::string const& method, Options const& options, int stages, std::int64_t m) {
  if (method == "pipedream-2bw") return m < stages - 1;
  if (method == "zb-v") return stages % 2 != 0 || options.at("stages-per-worker") != "2";
  if (method != "interleaved" || options.at("stages-per-worker") == "1") return false;
  return stages % 2 != 0 || m % (stages / 2) != 0;
}

/// Every method in every variant, S = 1…8, M = 1…8 where it takes an M.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (method::Method const& method : method::all_methods()) {
    for (Options const& options : variants(method)) {
      for (int stages = 1; stages <= 8; ++stages) {
        for (std::int64_t m = 1; m <= (method.accumulates ? 8 : 1); ++m) {
          if (refused(method.name, options, stages, m)) continue;
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
  /// Whether each is there that is wanted, and no other.
  template <class Wanted>
  bool complete(Wanted wanted) const {
    for (std::size_t at = 0; at < ends_.size(); ++at) {
      auto const stages = static_cast<std::size_t>(stages_);
      bool const there = ends_[at] != -1;
      if (there != wanted(static_cast<int>(at % stages), static_cast<std::int64_t>(at / stages)))
        return false;
    }
    return true;
  }

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
  auto const sampled = [&](std::int64_t j) { return plan.rules.schedule->sampled_stage(j); };
  for (plan::Decision const& planned : plan.actions) {
    auto const [kind, stage, first, count] = planned.action;
    wrong += planned.begin < last_begin || (planned.begin == last_begin && stage <= last_stage);
    last_begin = planned.begin;
    last_stage = stage;
    plan::Ticks& free = worker_free[static_cast<std::size_t>(planned.worker)];
    wrong += planned.begin < free || planned.end <= planned.begin;
    free = planned.end;
    std::int64_t& held = in_flight[static_cast<std::size_t>(stage)];
    bool const last = stage + 1 == shape.stages;
    bool const releases = kind == plan::Kind::backward || kind == plan::Kind::backward_weight;
    for (std::int64_t j = first; j < first + count; ++j) {
      if (kind == plan::Kind::forward) {
        if (stage > 0) ended(forward.of(stage - 1, j), planned.begin);
        once(forward.of(stage, j), planned.end);
      }
      if (kind == plan::Kind::backward || kind == plan::Kind::backward_input) {
        ended(last ? forward.of(stage, j) : input_gradient.of(stage + 1, j), planned.begin);
        once(input_gradient.of(stage, j), planned.end);
      }
      if (kind == plan::Kind::backward_weight) ended(input_gradient.of(stage, j), planned.begin);
      if (releases) once(weight_gradient.of(stage, j), planned.end);
    }
    bool const kept = kind == plan::Kind::forward && !planned.ends;
    bool const stops = kind == plan::Kind::forward ? stage < sampled(first)
                                                   : sampled(first) >= 0 && stage > sampled(first);
    wrong += planned.ends != (releases || stops);
    held += kept ? 1 : 0;
    wrong += held > plan.rules.schedule->activations(stage);
    if (kind != plan::Kind::backward_input) wrong += held != planned.activations;
    held -= planned.ends && kind != plan::Kind::forward ? count : 0;
  }
  CHECK(wrong == 0);
  CHECK(forward.complete([](int, std::int64_t) { return true; }));
  CHECK(input_gradient.complete([&](int stage, std::int64_t j) { return stage >= sampled(j); }));
  CHECK(weight_gradient.complete(
      [&](int stage, std::int64_t j) { return sampled(j) < 0 || stage == sampled(j); }));
}

/// What a row of `steps` tells is the larger of its forward and its backward, whose weight half
/// ends it.
void check_activations(WatchedPlan const& plan) {
  std::map<std::pair<int, std::int64_t>, std::int32_t> held;
  for (plan::Decision const& planned : plan.actions) {
    auto const [kind, stage, first, count] = planned.action;
    if (kind == plan::Kind::backward_input) continue;
    for (std::int64_t j = first; j < first + count; ++j)
      held[{stage, j}] = std::max(held[{stage, j}], planned.activations);
  }
  std::size_t wrong = 0;
  for (plan::PlannedStep const& step : plan.steps)
    wrong += step.activations != held.at({step.stage, step.microbatch});
  CHECK(wrong == 0);
}

/// A forward on the live weights is stale by no more updates than were made since, anywhere.
void check_steps(WatchedPlan const& plan, plan::Shape const& shape, bool reads_live) {
  bool const sampled = plan.rules.schedule->sampled_stage(0) >= 0;
  REQUIRE(std::ssize(plan.steps) == shape.microbatches * (sampled ? 1 : shape.stages));
  std::vector<std::int64_t> next(static_cast<std::size_t>(shape.stages), 0);
  std::size_t wrong = 0;
  for (plan::PlannedStep const& step : plan.steps) {
    std::int64_t& expected = next[static_cast<std::size_t>(step.stage)];
    wrong += (sampled ? step.version_applied : step.microbatch) != expected;
    ++expected;
    wrong += step.replica != step.microbatch % plan.rules.replicas;
    wrong += step.minibatch != step.microbatch / (shape.accumulate * plan.rules.replicas);
    wrong += !sampled && step.version_applied != step.minibatch;
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
      check_activations(plan);
      bool const reads_live = tested.method != "pipedream-2bw" &&
                              tested.method != "pipedream-vsync" && tested.method != "timeprest";
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
    if (method.name == "zb-v") continue;  // has no single stage
    std::int64_t const m = method::default_accumulate(method, 1);
    bool const buffers = method.name == "pipedream-2bw";  // keeps its delay
    bool const commits = method.name == "timeprest";      // gives a version up once the next ended
    WatchedPlan const plan = watch(method.name, {1, 24, m}, "slot");
    CHECK(plan.whole.stages[0].staleness.max() == (buffers ? 1 : 0));
    CHECK(plan.whole.stages[0].weight_copies.max() == (buffers || commits ? 2 : 1));
    CHECK(plan.bubble == doctest::Approx(0));
  }
}

}  // namespace
}  // namespace quartic::test
