// The formulas of the TiMePReSt family's order, drift, copies and version
// difference.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "quartic/plan/print.hpp"
#include "watched_plan.hpp"

namespace quartic::test {
namespace {

enum class Pieces { chunk, mono };
enum class Costs { slot, real };

struct Family {
  int stages;
  std::int64_t n;
  Pieces pieces;
  Costs costs;

  WatchedPlan watch(std::string const& method) const {
    return test::watch(method, {stages, n * (6 * stages + 6), n},
                       costs == Costs::slot ? "slot" : "real",
                       {{"backward", pieces == Pieces::chunk ? "chunk" : "mono"}});
  }
  /// Equal boxes are the slot model's mono backward; the formulas cover these and both of the real
  /// costs.
  double h() const { return costs == Costs::slot ? 2 : 3; }
  double q() const {
    bool const whole = pieces == Pieces::mono && costs == Costs::real;
    return whole ? 1 : std::min(1.0, h() / static_cast<double>(n));
  }
};

std::vector<Family> family() {
  std::vector<Family> all;
  for (int stages = 1; stages <= 8; ++stages) {
    for (std::int64_t n = 1; n <= 8; ++n) {
      all.push_back({stages, n, Pieces::mono, Costs::slot});
      all.push_back({stages, n, Pieces::chunk, Costs::real});
      all.push_back({stages, n, Pieces::mono, Costs::real});
    }
  }
  for (int const stages : {16, 32, 128}) {
    std::int64_t const n = 128 / stages;
    for (Pieces const pieces : {Pieces::chunk, Pieces::mono}) {
      all.push_back({stages, n, pieces, Costs::real});
    }
    all.push_back({stages, n, Pieces::mono, Costs::slot});
  }
  return all;
}

std::size_t at(int stage) {
  return static_cast<std::size_t>(stage);
}

TEST_CASE("v-timeprest: largest drift and staleness ceil(dq), mean drift dq, one copy") {
  for (Family const& f : family()) {
    CAPTURE(f.stages);
    CAPTURE(f.n);
    CAPTURE(static_cast<int>(f.pieces));
    CAPTURE(static_cast<int>(f.costs));
    WatchedPlan const plan = f.watch("v-timeprest");
    for (int s = 0; s < f.stages; ++s) {
      CAPTURE(s);
      double const dq = (f.stages - 1 - s) * f.q();
      CHECK(plan.steady.stages[at(s)].drift.max() == std::ceil(dq - 1e-12));
      CHECK(plan.steady.stages[at(s)].drift.mean() == doctest::Approx(dq).epsilon(0.02));
      CHECK(plan.whole.stages[at(s)].weight_copies.max() == 1);
    }
  }
}

TEST_CASE("nf1b-stash and i-timeprest: ceil(dq)+1 copies, activations min(N(S-s), hd+N)") {
  for (Family const& f : family()) {
    CAPTURE(f.stages);
    CAPTURE(f.n);
    CAPTURE(static_cast<int>(f.pieces));
    CAPTURE(static_cast<int>(f.costs));
    bool const whole = f.pieces == Pieces::mono && f.costs == Costs::real;
    for (char const* const method : {"nf1b-stash", "i-timeprest"}) {
      WatchedPlan const plan = f.watch(method);
      for (int s = 0; s < f.stages; ++s) {
        CAPTURE(s);
        int const d = f.stages - 1 - s;
        CHECK(plan.steady.stages[at(s)].weight_copies.max() == std::ceil(d * f.q() - 1e-12) + 1);
        double const n = static_cast<double>(f.n);
        double const cap = n * (f.stages - s);
        CHECK(plan.steady.stages[at(s)].activations.max() ==
              (whole ? cap : std::min(cap, f.h() * d + n)));
      }
    }
  }
}

/// Minibatch index minus that of the last one committed everywhere, when the minibatch's backward
/// starts on the last stage: what timeprest's backwards read.
std::set<std::int64_t> version_differences(WatchedPlan const& plan) {
  plan::SteadyWindow const steady = plan::steady_window(plan.rules);
  std::set<std::int64_t> found;
  for (plan::PlannedStep const& step : plan.steps) {
    if (steady.first <= step.microbatch && step.microbatch < steady.end)
      found.insert(step.minibatch - step.version_backward + 1);
  }
  return found;
}

TEST_CASE("timeprest: the version difference v, for equal boxes and for real costs") {
  for (Family const& f : family()) {
    CAPTURE(f.stages);
    CAPTURE(f.n);
    CAPTURE(static_cast<int>(f.pieces));
    CAPTURE(static_cast<int>(f.costs));
    std::int64_t v = 1 + (f.stages - 1) / (f.n + 1);
    if (f.costs == Costs::real && f.pieces == Pieces::mono) v = (2 * f.stages + 2) / 3;
    if (f.costs == Costs::real && f.pieces == Pieces::chunk)
      v = (2 * (f.n + f.stages - 1) + 3 * f.n - 1) / (3 * f.n);
    CHECK(version_differences(f.watch("timeprest")) == std::set<std::int64_t>{v});
  }
}

TEST_CASE("timeprest: one backward version for a minibatch everywhere, forward tags of stage 0") {
  WatchedPlan const plan = Family{5, 3, Pieces::chunk, Costs::real}.watch("timeprest");
  std::vector<std::int64_t> forward(static_cast<std::size_t>(plan.rules.shape.microbatches), -1);
  std::vector<std::int64_t> backward(forward.size(), -1);
  std::size_t wrong = 0;
  for (plan::PlannedStep const& step : plan.steps) {
    std::int64_t& tag = forward[static_cast<std::size_t>(step.microbatch)];
    std::int64_t& committed = backward[static_cast<std::size_t>(step.minibatch)];
    wrong += tag != -1 && tag != step.version_forward;
    wrong += committed != -1 && committed != step.version_backward;
    tag = step.version_forward;
    committed = step.version_backward;
  }
  CHECK(wrong == 0);
}

TEST_CASE("timeprest: copies at real costs in pieces") {
  auto const copies = [](int stages, std::int64_t n) {
    std::vector<double> all;
    WatchedPlan const plan = Family{stages, n, Pieces::chunk, Costs::real}.watch("timeprest");
    for (plan::StageStatistics const& stage : plan.steady.stages)
      all.push_back(stage.weight_copies.max());
    return all;
  };
  CHECK(copies(4, 2) == std::vector<double>{2, 2, 3, 4});
  CHECK(copies(8, 4) == std::vector<double>{2, 2, 3, 4, 4, 5, 6, 7});
}

TEST_CASE("the published grid of (S, N) = (4, 2)") {
  plan::Rules const rules =
      method::make_rules(method::find_method("timeprest"), {4, 12, 2}, {{"backward", "mono"}});
  plan::Cost const cost = plan::Cost::parse("slot", 4, 0);
  plan::Planner planner(rules, cost);
  plan::Grid grid(rules);
  while (plan::Decision const* planned = planner.next()) {
    if (planned->begin < 15 * plan::ticks_per_unit) grid.add(*planned);
  }
  CHECK(grid.text() ==
        "s0    0a 0b 1a 1b 2a 2b 3a 3b  0 4a 4b  1 5a 5b  2\n"
        "s1     . 0a 0b 1a 1b 2a 2b  0 3a 3b  1 4a 4b  2 5a\n"
        "s2     .  . 0a 0b 1a 1b  0 2a 2b  1 3a 3b  2 4a 4b\n"
        "s3     .  .  . 0a 0b  0 1a 1b  1 2a 2b  2 3a 3b  3\n");
}

}  // namespace
}  // namespace quartic::test
