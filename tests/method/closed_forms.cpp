// The closed forms of PipeDream, PACI and the flush methods, at every stage.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "watched_plan.hpp"

namespace quartic::test {
namespace {

std::int64_t long_enough(int stages) {
  return 8 * stages + 8;
}

std::int64_t own_delay(std::int64_t stages, std::int64_t stage) {
  std::int64_t const i = stage + 1;
  if (stages % 2 == 1) return stages * (stages - i) + (stages - 1) / 2;
  return stages * (stages - i) + stages / 2 - (i % 2 == 0 ? 1 : 0);
}

std::int64_t oldest_delay(std::int64_t stages, std::int64_t stage) {
  std::int64_t const i = stage + 1;
  if (stages % 2 == 1) return (stages * (2 * stages - i) + i - 2) / 2;
  return stages * (2 * stages - i) / 2 + (i - 1) / 2;
}

void check_constant(plan::Spread const& values, std::int64_t expected) {
  REQUIRE(values.count() > 0);
  CHECK(values.min() == expected);
  CHECK(values.max() == expected);
}

TEST_CASE("pipedream in slots: staleness and delays at every stage, S = 1..32 and 128") {
  for (int const stages : stage_counts(32)) {
    CAPTURE(stages);
    WatchedPlan const plan = watch("pipedream", {stages, long_enough(stages), 1}, "slot");
    for (int s = 0; s < stages; ++s) {
      CAPTURE(s);
      plan::StageStatistics const& stage = plan.steady.stages[static_cast<std::size_t>(s)];
      check_constant(stage.staleness, stages - 1 - s);
      check_constant(stage.drift, 0);
      check_constant(stage.delay_own, own_delay(stages, s));
      check_constant(stage.delay_oldest, oldest_delay(stages, s));
      check_constant(stage.weight_copies, stages - s);
      check_constant(stage.activations, stages - s);
    }
    CHECK(plan.steady.delay_mean.mean() ==
          doctest::Approx((stages * stages - 1) / 2.0).epsilon(1e-12));
    std::int64_t const squared = std::int64_t{stages} * stages;
    CHECK(plan.steady.stages[0].delay_own.max() == squared - (stages + 1) / 2);
    if (stages > 1) CHECK(plan.whole.stages[0].delay_own.max() == 5 * squared / 4 - stages);
  }
}

/// Steps whose planned mean delay is not the mean over all blocks of the block updates between the
/// read of each block and the step's own update.
int wrong_mean_delays(std::string const& method, plan::Shape const& shape,
                      std::map<std::string, std::string> const& options) {
  plan::Rules const rules = method::make_rules(method::find_method(method), shape, options);
  plan::Cost const cost = plan::Cost::parse("real", shape.stages, 0);
  plan::Planner planner(rules, cost);
  std::vector<std::int64_t> reads(
      static_cast<std::size_t>(shape.microbatches));  // sums over blocks
  int wrong = 0;
  while (plan::Decision const* planned = planner.next()) {
    if (planned->action.kind == plan::Kind::forward)
      reads[static_cast<std::size_t>(planned->action.microbatch)] += planner.block_updates();
    for (plan::PlannedStep const& step : planner.applied()) {
      std::int64_t const sum = reads[static_cast<std::size_t>(step.microbatch)];
      double const before = static_cast<double>(planner.block_updates() - 1);
      double const mean = before - static_cast<double>(sum) / shape.stages;
      wrong += step.delay_mean != doctest::Approx(mean).epsilon(1e-12);
    }
  }
  return wrong;
}

TEST_CASE("the mean delay is over all blocks, also with several stages a worker") {
  CHECK(wrong_mean_delays("pipedream", {5, 60, 1}, {}) == 0);
  CHECK(wrong_mean_delays("1f1b-flush", {4, 48, 4}, {}) == 0);
  CHECK(wrong_mean_delays("zb-v", {8, 64, 8}, {}) == 0);
  CHECK(wrong_mean_delays("interleaved", {6, 48, 6}, {{"stages-per-worker", "2"}}) == 0);
  CHECK(wrong_mean_delays("interleaved", {8, 48, 8}, {{"stages-per-worker", "4"}}) == 0);
}

TEST_CASE("pipedream: the whole matrix of delays at S = 4") {
  constexpr std::array<std::array<int, 4>, 4> expected{
      {{14, 11, 9, 6}, {12, 9, 7, 4}, {11, 8, 6, 3}, {9, 6, 4, 1}}};
  plan::Rules const rules = method::make_rules(method::find_method("pipedream"), {4, 60, 1}, {});
  plan::Cost const cost = plan::Cost::parse("slot", 4, 0);
  plan::Planner planner(rules, cost);
  std::vector<std::array<std::int64_t, 4>> reads(60);  // block updates at F(i, j)
  int compared = 0;
  while (plan::Decision const* planned = planner.next()) {
    auto const j = static_cast<std::size_t>(planned->action.microbatch);
    auto const s = static_cast<std::size_t>(planned->action.stage);
    if (planned->action.kind == plan::Kind::forward) {
      reads[j][s] = planner.block_updates();
    } else if (j >= 16 && j < 50) {
      for (std::size_t i = 0; i < 4; ++i, ++compared) {
        CHECK(planner.block_updates() - 1 - reads[j][i] == expected[s][i]);
      }
    }
  }
  CHECK(compared == 34 * 16);
}

TEST_CASE("pipedream: makespans in both cost models, S = 1..32 and 128") {
  for (int const stages : stage_counts(32)) {
    std::int64_t const n = long_enough(stages);
    CHECK(watch("pipedream", {stages, n, 1}, "slot").makespan == 2 * (n + stages - 1));
    CHECK(watch("pipedream", {stages, n, 1}, "real").makespan == 3 * (n + stages - 1));
  }
}

TEST_CASE("pipedream: warm-up of the greedy order at S = 8") {
  WatchedPlan const plan = watch("pipedream", {8, 100, 1}, "slot");
  std::array<std::int32_t, 8> activations{};
  std::array<std::int32_t, 8> copies{};
  for (plan::Decision const& planned : plan.actions) {
    auto const s = static_cast<std::size_t>(planned.action.stage);
    activations[s] = std::max(activations[s], planned.activations);
    copies[s] = std::max(copies[s], planned.weight_copies);
  }
  CHECK(activations == std::array<std::int32_t, 8>{8, 8, 8, 8, 7, 5, 3, 1});
  CHECK(copies == std::array<std::int32_t, 8>{8, 7, 6, 5, 4, 5, 3, 1});
  for (int stages = 1; stages <= 16; ++stages) {
    WatchedPlan const other = watch("pipedream", {stages, long_enough(stages), 1}, "slot");
    for (int s = 0; s < stages; ++s) {
      std::int32_t largest = 0;
      for (plan::Decision const& planned : other.actions) {
        if (planned.action.stage == s) largest = std::max(largest, planned.activations);
      }
      CHECK(largest == std::min(stages, 2 * (stages - s) - 1));
    }
  }
}

TEST_CASE("staleness S-1-s: the greedy order with real costs, the fixed order at any costs") {
  for (int stages = 1; stages <= 16; ++stages) {
    struct Variant {
      char const* admission;
      char const* cost;
    };
    for (auto const [admission, cost] :
         {Variant{"pipeline", "real"}, Variant{"stage", "slot"}, Variant{"stage", "real"},
          Variant{"fixed", "slot"}, Variant{"fixed", "real"},
          Variant{"fixed", "f=1,bi=0.3,bw=2.9,latency=0.7,jitter=0.9,straggler=0:3"}}) {
      CAPTURE(stages);
      CAPTURE(admission);
      CAPTURE(cost);
      WatchedPlan const plan =
          watch("pipedream", {stages, long_enough(stages), 1}, cost, {{"admission", admission}});
      for (int s = 0; s < stages; ++s) {
        check_constant(plan.steady.stages[static_cast<std::size_t>(s)].staleness, stages - 1 - s);
      }
    }
  }
}

TEST_CASE("async: its drift is its staleness, S-1-s, with one copy") {
  for (int const stages : stage_counts(32)) {
    WatchedPlan const plan = watch("async", {stages, long_enough(stages), 1}, "slot");
    for (int s = 0; s < stages; ++s) {
      plan::StageStatistics const& stage = plan.steady.stages[static_cast<std::size_t>(s)];
      check_constant(stage.staleness, stages - 1 - s);
      check_constant(stage.drift, stages - 1 - s);
      check_constant(stage.weight_copies, 1);
      check_constant(stage.activations, stages - s);
    }
    CHECK(plan.steady.utilisation == doctest::Approx(1));
  }
}

TEST_CASE("flush methods and sgd: nothing stale, and the flush methods' bubble (S-1)/(M+S-1)") {
  for (int const stages : stage_counts(32)) {
    for (std::int64_t m : {1, 2, 3, 8, 32}) {
      for (char const* const method : {"sgd", "gpipe", "1f1b-flush"}) {
        CAPTURE(method);
        CAPTURE(stages);
        CAPTURE(m);
        for (char const* const cost : {"slot", "real"}) {
          WatchedPlan const plan = watch(method, {stages, 4 * m, m}, cost);
          for (plan::StageStatistics const& stage : plan.whole.stages) {
            check_constant(stage.staleness, 0);
            check_constant(stage.drift, 0);
            check_constant(stage.weight_copies, 1);
          }
          double const flush = (stages - 1.0) / (static_cast<double>(m) + stages - 1.0);
          double const serial = 1 - 1.0 / stages;
          CHECK(plan.bubble ==
                doctest::Approx(std::string(method) == "sgd" ? serial : flush).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("flush methods: activations M and min(M, S-s)") {
  for (int stages = 1; stages <= 8; ++stages) {
    for (std::int64_t m = 1; m <= 10; ++m) {
      WatchedPlan const gpipe = watch("gpipe", {stages, 3 * m, m}, "slot");
      WatchedPlan const flush = watch("1f1b-flush", {stages, 3 * m, m}, "slot");
      for (int s = 0; s < stages; ++s) {
        CHECK(gpipe.whole.stages[static_cast<std::size_t>(s)].activations.max() == m);
        CHECK(flush.whole.stages[static_cast<std::size_t>(s)].activations.max() ==
              std::min<std::int64_t>(m, stages - s));
      }
    }
  }
}

/// Idle time of a minibatch's steady period.
double idle_time(char const* method, int stages, std::int64_t m, double f, double bi, double bw) {
  std::string const cost = fmt::format("f={},bi={},bw={}", f, bi, bw);
  double const of_5 = watch(method, {stages, 5 * m, m}, cost).makespan;
  double const of_9 = watch(method, {stages, 9 * m, m}, cost).makespan;
  return (of_9 - of_5) / 4 - static_cast<double>(m) * (f + bi + bw);
}

TEST_CASE("zb-1p: idle time (S-1)(f+bi-bw) for bw <= f and M >= S, activations S") {
  for (int const stages : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 128}) {
    std::int64_t const most = stages <= 16 ? 2 * stages + 3 : stages;
    for (std::int64_t m = stages; m <= most; ++m) {
      for (double const bw : {1.0, 0.75, 0.5, 0.25}) {
        CAPTURE(stages);
        CAPTURE(m);
        CAPTURE(bw);
        CHECK(idle_time("zb-1p", stages, m, 1, 1, bw) == doctest::Approx((stages - 1) * (2 - bw)));
      }
      WatchedPlan const plan = watch("zb-1p", {stages, 4 * m, m}, "real");
      for (plan::StageStatistics const& stage : plan.whole.stages) {
        CHECK(stage.activations.max() == stages);
        CHECK(stage.staleness.max() == 0);
      }
    }
  }
}

TEST_CASE("zb-2p: idle time max(0, 2S-1-M) at f = bi = bw, at most 2S-1 activations") {
  for (int const stages : {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 128}) {
    std::int64_t const most = stages <= 16 ? 2 * stages + 4 : stages;
    for (std::int64_t m = stages; m <= most; ++m) {
      CAPTURE(stages);
      CAPTURE(m);
      CHECK(idle_time("zb-2p", stages, m, 1, 1, 1) ==
            doctest::Approx(std::max<double>(0, 2.0 * stages - 1 - static_cast<double>(m))));
    }
  }
}

TEST_CASE("steady utilisation is 1 without a flush on balanced stages") {
  for (int stages = 1; stages <= 16; ++stages) {
    for (method::Method const& method : method::all_methods()) {
      bool const one_at_a_time = method.name == "rpd" || method.name == "sgd";
      bool const rounds =
          method.name == "local-sgd" || method.order.find("flush") != std::string::npos;
      if (one_at_a_time || rounds || method.name == "zb-2p") continue;
      CAPTURE(method.name);
      CAPTURE(stages);
      std::int64_t const m = method::default_accumulate(method, stages);
      for (char const* const cost : {"slot", "real"}) {
        WatchedPlan const plan = watch(method.name, {stages, long_enough(stages) * m, m}, cost);
        CHECK(plan.steady.utilisation == doctest::Approx(1));
      }
    }
  }
}

}  // namespace
}  // namespace quartic::test
