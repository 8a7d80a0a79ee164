// The formulas for several stages a worker.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::map<std::string, std::string> stages_per_worker(int v) {
  return {{"stages-per-worker", std::to_string(v)}};
}

TEST_CASE("interleaved: bubble (Q-1)/(MV+Q-1) of a minibatch, in both cost models") {
  for (int q : {1, 2, 3, 4, 8, 16, 32}) {
    for (int v : {1, 2, 3, 4}) {
      for (std::int64_t groups : {1, 2, 4}) {
        std::int64_t const m = q * groups;
        CAPTURE(q);
        CAPTURE(v);
        CAPTURE(m);
        double const passes = static_cast<double>(m * v);
        double const bubble = (q - 1) / (passes + q - 1);
        for (char const* const cost : {"slot", "real"}) {
          WatchedPlan const plan = watch("interleaved", {q * v, m, m}, cost, stages_per_worker(v));
          CHECK(plan.bubble == doctest::Approx(bubble).epsilon(1e-12));
        }
      }
    }
  }
}

/// Stage activations that each worker holds at most.
std::vector<std::int64_t> held_by_worker(WatchedPlan const& plan) {
  std::vector<std::int64_t> now(static_cast<std::size_t>(plan.rules.workers));
  std::vector<std::int64_t> most = now;
  for (plan::Decision const& planned : plan.actions) {
    auto const worker = static_cast<std::size_t>(planned.worker);
    now[worker] += planned.action.kind == plan::Kind::forward ? 1 : 0;
    most[worker] = std::max(most[worker], now[worker]);
    now[worker] -= planned.ends ? 1 : 0;
  }
  return most;
}

TEST_CASE("zb-v: no idle time inside a minibatch at f = bi = bw, activations of 1F1B") {
  for (int workers : {1, 2, 3, 4, 6, 8, 16, 64}) {
    for (std::int64_t m = 2 * workers; m <= 2 * workers + 4; ++m) {
      CAPTURE(workers);
      CAPTURE(m);
      WatchedPlan const plan = watch("zb-v", {2 * workers, m, m}, "real");
      CHECK(plan.makespan == 6 * static_cast<double>(m) + workers - 1);
      for (std::int64_t const held : held_by_worker(plan)) CHECK(held <= 2 * workers);
    }
  }
}

TEST_CASE("zb-v: minibatches follow each other without a barrier, with no idle time between") {
  for (int workers : {1, 2, 4, 8}) {
    std::int64_t const m = 2 * workers + 1;
    auto const makespan = [&](std::int64_t minibatches) {
      return watch("zb-v", {2 * workers, m * minibatches, m}, "real").makespan;
    };
    CHECK(makespan(5) - makespan(4) == 6 * static_cast<double>(m));
  }
}

}  // namespace
}  // namespace quartic::test
