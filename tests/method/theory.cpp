// The formulas of Randomized PipeDream and LocalSGD.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::map<std::string, std::string> local(std::int64_t replicas, std::int64_t steps) {
  return {{"replicas", replicas == 0 ? "" : std::to_string(replicas)},
          {"local-steps", std::to_string(steps)}};
}

double round_length(int stages, std::int64_t r, std::int64_t h, char const* cost) {
  auto const makespan = [&](std::int64_t rounds) {
    return watch("local-sgd", {stages, r * h * rounds, 1}, cost, local(r, h)).makespan;
  };
  return makespan(4) - makespan(3);
}

TEST_CASE("local-sgd: a round takes 2H max(S,R) + 2 min(S,R) - 2 slots, in real costs 3H.. + 3..") {
  for (int stages : {1, 2, 3, 4, 5, 8, 16, 32, 128}) {
    for (std::int64_t r : {1, 2, 3, 4, 5, 8, 16, 32}) {
      for (std::int64_t h = 1; h <= (stages <= 16 ? 5 : 2); ++h) {
        CAPTURE(stages);
        CAPTURE(r);
        CAPTURE(h);
        auto const larger = static_cast<double>(std::max<std::int64_t>(stages, r) * h);
        auto const smaller = static_cast<double>(std::min<std::int64_t>(stages, r));
        CHECK(round_length(stages, r, h, "slot") == 2 * larger + 2 * smaller - 2);
        CHECK(round_length(stages, r, h, "real") == 3 * larger + 3 * smaller - 3);
      }
    }
  }
}

TEST_CASE("local-sgd: utilisation H/(H+1-1/S) at R = S, nothing stale in a replica") {
  for (int stages : {2, 4, 8, 32}) {
    for (std::int64_t h : {1, 2, 5}) {
      std::int64_t const n = stages * h * 12;
      WatchedPlan const plan = watch("local-sgd", {stages, n, 1}, "slot", local(0, h));
      auto const steps = static_cast<double>(h);
      CHECK(1 - plan.bubble == doctest::Approx(steps / (steps + 1 - 1.0 / stages)));
      for (plan::StageStatistics const& stage : plan.whole.stages) {
        CHECK(stage.staleness.max() == 0);
        CHECK(stage.drift.max() == 0);
        CHECK(stage.weight_copies.max() == stages);
      }
    }
  }
}

TEST_CASE("local-sgd: the published timelines of E2, partial rounds as they are") {
  auto const makespan = [](std::int64_t h) {
    return watch("local-sgd", {16, 600, 1}, "slot", local(16, h)).makespan;
  };
  CHECK(makespan(2) == 1770);
  CHECK(makespan(5) == 1440);
  CHECK(makespan(30) == 1260);
  CHECK(watch("pipedream", {16, 600, 1}, "slot").makespan == 1230);
}

TEST_CASE("local-sgd: an average takes the time that it is given") {
  double const free = round_length(4, 4, 3, "f=1,b=1");
  CHECK(round_length(4, 4, 3, "f=1,b=1,average=0") == free);
  CHECK(round_length(4, 4, 3, "f=1,b=1,average=5") == free + 5);
}

TEST_CASE("rpd: versions are those of the drawn delays, which are uniform to delta") {
  constexpr int stages = 4;
  constexpr std::int64_t n = 4000;
  constexpr std::int64_t delta = 14;
  WatchedPlan const plan = watch("rpd", {stages, n, 1}, "slot");
  std::vector<std::vector<std::int64_t>> updated(stages);  // iterations, by stage
  std::vector<std::int64_t> count(delta + 1);
  std::size_t wrong = 0;
  for (plan::PlannedStep const& step : plan.steps) {
    auto const& mine = updated[static_cast<std::size_t>(step.stage)];
    std::int64_t const point = step.microbatch - step.delay_own;
    wrong += step.delay_own < 0 || point < 0 || step.delay_own > delta;
    wrong +=
        step.version_forward != std::lower_bound(mine.begin(), mine.end(), point) - mine.begin();
    wrong += step.delay_oldest > std::min(delta, step.microbatch);
    ++count[static_cast<std::size_t>(step.delay_own)];
    updated[static_cast<std::size_t>(step.stage)].push_back(step.microbatch);
  }
  CHECK(wrong == 0);
  double const expected = static_cast<double>(n) / (delta + 1);
  double chi_squared = 0;
  for (std::int64_t const c : count) {
    double const off = static_cast<double>(c) - expected;
    chi_squared += off * off / expected;
  }
  CHECK(chi_squared < 36.1);  // 14 degrees of freedom, 1 in 1000
  for (auto const& mine : updated) CHECK(std::abs(std::ssize(mine) - n / stages) < 120);
}

TEST_CASE("rpd: fixed delays, and other seeds draw others") {
  for (plan::PlannedStep const& step :
       watch("rpd", {3, 60, 1}, "slot", {{"delays", "fixed:5"}}).steps)
    CHECK(step.delay_own == std::min<std::int64_t>(5, step.microbatch));
  auto const stages = [](std::uint64_t seed) {
    plan::Rules const rules =
        method::make_rules(method::find_method("rpd"), {8, 50, 1, 1, seed}, {});
    std::vector<int> drawn;
    for (std::int64_t k = 0; k < 50; ++k) drawn.push_back(rules.schedule->sampled_stage(k));
    return drawn;
  };
  CHECK(stages(1) == stages(1));
  CHECK(stages(1) != stages(2));
}

}  // namespace
}  // namespace quartic::test
