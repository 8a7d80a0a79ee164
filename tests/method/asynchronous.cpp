// The formulas of PACI, PipeDream-2BW, vertical synchronisation.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::int64_t windows(std::int64_t accumulate, int stages) {
  return accumulate * ((6 * stages + 8) / accumulate + 8 * stages);
}

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

TEST_CASE("paci: version_backward is j/a at every stage, for every timing and admission") {
  for (int stages = 1; stages <= 8; ++stages) {
    for (std::int64_t a = 1; a <= 9; ++a) {
      for (char const* const cost :
           {"slot", "real", "f=1,bi=0.4,bw=1.9,jitter=0.8,straggler=0:2,latency=0.3"}) {
        for (char const* const admission : {"fixed", "stage", "pipeline"}) {
          WatchedPlan const plan =
              watch("paci", {stages, 12 * a, a}, cost, {{"admission", admission}});
          std::size_t wrong = 0;
          for (plan::PlannedStep const& step : plan.steps) {
            wrong += step.version_backward != step.microbatch / a ||
                     step.version_applied != step.microbatch / a;
            bool const bounded = std::string(admission) != "pipeline";
            std::int64_t const bound = ceil_divide(stages - 1 - step.stage, a);
            wrong += bounded && step.version_backward - step.version_forward > bound;
          }
          CHECK(wrong == 0);
        }
      }
    }
  }
}

TEST_CASE("paci in the fixed order: version_forward, one copy, S-s activations, no bubble") {
  for (int stages : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 128}) {
    for (std::int64_t a : {1, 2, 4, 8, 16}) {
      WatchedPlan const plan = watch("paci", {stages, windows(a, stages), a}, "real");
      std::size_t wrong = 0;
      for (plan::PlannedStep const& step : plan.steps) {
        std::int64_t const behind = step.microbatch - (stages - 1 - step.stage);
        wrong += step.version_forward != std::max<std::int64_t>(0, behind < 0 ? 0 : behind / a);
      }
      CHECK(wrong == 0);
      CHECK(plan.steady.utilisation == doctest::Approx(1));
      for (int s = 0; s < stages; ++s) {
        plan::StageStatistics const& stage = plan.whole.stages[static_cast<std::size_t>(s)];
        CHECK(stage.weight_copies.max() == 1);
        CHECK(stage.activations.max() == stages - s);
      }
    }
  }
}

TEST_CASE("paci: the published lists of the largest drift at S = 8") {
  auto const drifts = [](std::int64_t a) {
    WatchedPlan const plan = watch("paci", {8, windows(a, 8), a}, "slot");
    std::vector<double> largest;
    for (plan::StageStatistics const& stage : plan.steady.stages)
      largest.push_back(stage.drift.max());
    return largest;
  };
  CHECK(drifts(1) == std::vector<double>{7, 6, 5, 4, 3, 2, 1, 0});
  CHECK(drifts(2) == std::vector<double>{4, 3, 3, 2, 2, 1, 1, 0});
  CHECK(drifts(4) == std::vector<double>{2, 2, 2, 1, 1, 1, 1, 0});
  CHECK(drifts(8) == std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(drifts(16) == std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0});
}

TEST_CASE("paci with latency: the cap has no slack, and slack 1 restores the full rate") {
  constexpr int stages = 8;
  for (double const c : {0.25, 0.5, 1.0, 1.5}) {
    std::string const cost = "f=1,bi=1,bw=1,latency=" + std::to_string(c);
    double const f_and_b = 3;
    WatchedPlan const tight = watch("paci", {stages, 800, 8}, cost);
    CHECK(tight.steady.utilisation ==
          doctest::Approx(f_and_b / (f_and_b + 2 * c * (stages - 1) / stages)).epsilon(0.01));
    WatchedPlan const loose = watch("paci", {stages, 800, 8}, cost, {{"slack", "1"}});
    CHECK(loose.steady.utilisation == doctest::Approx(1).epsilon(0.001));
    for (int s = 0; s < stages; ++s) {
      plan::StageStatistics const& stage = loose.whole.stages[static_cast<std::size_t>(s)];
      CHECK(stage.drift.max() <= static_cast<double>(ceil_divide(2 * (stages - 1 - s), 8)));
      CHECK(stage.activations.max() <= 2 * (stages - 1 - s) + 1);
    }
  }
}

TEST_CASE("paci with one window is one update; with the forward's weights nothing drifts") {
  WatchedPlan const one = watch("paci", {4, 24, 24}, "slot");
  for (plan::PlannedStep const& step : one.steps) CHECK(step.version_applied == 0);
  WatchedPlan const forward = watch("paci", {4, 96, 2}, "slot", {{"backward-weights", "forward"}});
  for (plan::StageStatistics const& stage : forward.whole.stages) CHECK(stage.drift.max() == 0);
}

TEST_CASE("pipedream-2bw: a constant delay of one update from the second group on, two copies") {
  for (int stages : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 128}) {
    for (std::int64_t m : {std::max(1, stages - 1), stages, 2 * stages}) {
      for (char const* const cost : {"slot", "real", "f=1,bi=1,bw=1,jitter=0.5"}) {
        WatchedPlan const plan = watch("pipedream-2bw", {stages, 6 * m, m}, cost);
        std::size_t wrong = 0;
        for (plan::PlannedStep const& step : plan.steps) {
          std::int64_t const group = step.microbatch / m;
          wrong += step.version_applied - step.version_forward != (group == 0 ? 0 : 1);
          wrong += step.version_backward != step.version_forward;
          wrong += step.weight_copies > 2;
        }
        CHECK(wrong == 0);
        CHECK(plan.steady.stages[0].weight_copies.max() == 2);
      }
    }
  }
}

TEST_CASE("pipedream-vsync: every stage reads stage 0's version, S copies everywhere") {
  for (int const stages : stage_counts(16)) {
    WatchedPlan const plan = watch("pipedream-vsync", {stages, 8 * stages + 8, 1}, "slot");
    std::vector<std::int64_t> of_stage_0(static_cast<std::size_t>(8 * stages + 8));
    for (plan::PlannedStep const& step : plan.steps) {
      if (step.stage == 0)
        of_stage_0[static_cast<std::size_t>(step.microbatch)] = step.version_forward;
    }
    std::size_t wrong = 0;
    for (plan::PlannedStep const& step : plan.steps) {
      wrong += step.version_forward != of_stage_0[static_cast<std::size_t>(step.microbatch)];
    }
    CHECK(wrong == 0);
    for (plan::StageStatistics const& stage : plan.steady.stages) {
      CHECK(stage.staleness.min() == stages - 1);
      CHECK(stage.staleness.max() == stages - 1);
      CHECK(stage.weight_copies.max() == stages);
    }
  }
}

TEST_CASE(
    "pipemare never raises a rate: it divides by the planned staleness, where that is above 1") {
  for (int stages = 1; stages <= 8; ++stages) {
    for (std::int64_t const accumulate : {1, 2, 3, 8}) {
      CAPTURE(stages);
      CAPTURE(accumulate);
      WatchedPlan const plan = watch("pipemare", {stages, windows(accumulate, stages), accumulate},
                                     "real", {{"annealing", "1"}});
      for (int s = 0; s < stages; ++s) {
        double const staleness = plan.steady.stages[static_cast<std::size_t>(s)].staleness.max();
        double const largest = std::max(1.0, staleness);
        CHECK(plan.rules.updates->rate({.stage = s}) == 1 / largest);
        CHECK(plan.rules.updates->rate({.stage = s, .version = 1}) <= 1);
      }
    }
  }
}

}  // namespace
}  // namespace quartic::test
