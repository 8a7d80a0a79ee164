#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/earliest_first.hpp"
#include "quartic/plan/version_ledger.hpp"

namespace quartic::plan {
namespace {

TEST_CASE("timers come earliest first, and in a tie the lowest index first") {
  for (int timers : {1, 2, 3, 7, 64, 100}) {
    EarliestFirst heap(timers);
    std::map<int, Ticks> times;
    std::mt19937 random(7);
    for (int step = 0; step < 2000; ++step) {
      int const timer = static_cast<int>(random() % static_cast<unsigned>(timers));
      Ticks const time = step % 5 == 0 ? EarliestFirst::never : static_cast<Ticks>(random() % 20);
      heap.set(timer, time);
      times[timer] = time;
      Ticks earliest = EarliestFirst::never;
      int first = 0;
      for (auto const& [index, set] : times) {
        if (set < earliest) {
          earliest = set;
          first = index;
        }
      }
      REQUIRE(heap.time() == earliest);
      if (earliest != EarliestFirst::never) REQUIRE(heap.earliest() == first);
    }
  }
}

/// An update after which only the new version may be read.
void advance(VersionLedger& ledger) {
  ledger.advance();
  ledger.keep_from(ledger.live(), [](std::int64_t) {});
}

TEST_CASE("the ledger counts the live version and those that are held") {
  VersionLedger ledger;
  CHECK(ledger.copies() == 1);
  ledger.hold(0);
  CHECK(ledger.copies() == 1);
  advance(ledger);
  CHECK(ledger.copies() == 2);
  advance(ledger);  // version 1 was never held, so it dies
  CHECK(ledger.copies() == 2);
  CHECK(ledger.release(0));
  CHECK(ledger.copies() == 1);
  ledger.hold(2);
  CHECK_FALSE(ledger.release(2));
  CHECK(ledger.live() == 2);
}

TEST_CASE(
    "versions that a pass to come may read stay alive without a holder, until they are given up") {
  VersionLedger ledger;
  for (int update = 0; update < 3; ++update) ledger.advance();
  CHECK(ledger.copies() == 4);
  ledger.hold(1);
  std::vector<std::int64_t> died;
  ledger.keep_from(3, [&](std::int64_t version) { died.push_back(version); });
  CHECK(died == std::vector<std::int64_t>{0, 2});
  CHECK(ledger.copies() == 2);
  CHECK(ledger.alive(1));
  CHECK_FALSE(ledger.alive(2));
  CHECK_FALSE(ledger.live_dies(3));
  CHECK(ledger.live_dies(4));
  CHECK(ledger.release(1));
  CHECK(ledger.copies() == 1);
}

Ticks cost_of(std::string const& text, Kind kind, int stage = 0, int stages = 4) {
  return Cost::parse(text, stages, 1).duration({kind, stage, 0});
}

TEST_CASE("costs from their text forms") {
  CHECK(cost_of("slot", Kind::backward) == ticks_per_unit);
  CHECK(cost_of("real", Kind::backward) == 2 * ticks_per_unit);
  CHECK(cost_of("real", Kind::backward_weight) == ticks_per_unit);
  CHECK(cost_of("f=1.5,bi=0.5,bw=0.25", Kind::backward) == ticks_per_unit * 3 / 4);
  CHECK(cost_of("f=1,b=4", Kind::backward) == 4 * ticks_per_unit);
  CHECK(cost_of("f=1/2/3/4", Kind::forward, 2) == 3 * ticks_per_unit);
  CHECK(cost_of("straggler=3:1.5", Kind::backward, 3) == 3 * ticks_per_unit);
  CHECK(cost_of("straggler=3:1.5", Kind::backward, 2) == 2 * ticks_per_unit);
  CHECK(Cost::parse("latency=0.1,bandwidth=200,bytes=100", 4, 1).hop() == ticks_per_unit * 6 / 10);
  CHECK(Cost::parse("bandwidth=200", 4, 1, 50).hop() == ticks_per_unit / 4);
}

TEST_CASE("a mono backward covers its minibatch, except in slots where every action costs 1") {
  Action const mono{Kind::backward, 0, 0, 5};
  CHECK(Cost::parse("real", 1, 0).duration(mono) == 10 * ticks_per_unit);
  CHECK(Cost::parse("slot", 1, 0).duration(mono) == ticks_per_unit);
}

TEST_CASE("jitter stays within its share, has mean near 1, and depends on the action alone") {
  Cost const cost = Cost::parse("jitter=0.25", 4, 3);
  double sum = 0;
  for (int j = 0; j < 4000; ++j) {
    auto const ticks = cost.duration({Kind::forward, 1, j});
    CHECK(ticks >= ticks_per_unit * 3 / 4);
    CHECK(ticks <= ticks_per_unit * 5 / 4);
    sum += to_units(ticks);
  }
  CHECK(sum / 4000 == doctest::Approx(1).epsilon(0.01));
  CHECK(cost.duration({Kind::forward, 1, 9}) == cost.duration({Kind::forward, 1, 9}));
  CHECK(cost.duration({Kind::forward, 1, 9}) != cost.duration({Kind::forward, 2, 9}));
}

TEST_CASE("a cost that means nothing is a usage error that names the key") {
  for (auto const& [text, expected] :
       std::map<std::string, std::string>{{"slots", "slot, real, measured"},
                                          {"f=0", "'f=0'"},
                                          {"f=-1", "'f=-1'"},
                                          {"f=nan", "'f=nan'"},
                                          {"g=1", "unknown key"},
                                          {"jitter=1", "below 1"},
                                          {"straggler=4:2", "0 to 3"},
                                          {"straggler=1", "STAGE:FACTOR"},
                                          {"f=1/2", "2 entries"},
                                          {"bandwidth=0", "'bandwidth=0'"}}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(Cost::parse(text, 4, 0), doctest::Contains(expected.c_str()), UsageError);
  }
}

TEST_CASE("measured costs read back") {
  std::string const text = Cost::measured_text({{1e-6, 2e-6, 3e-6}, {4e-3, 5e-3, 6e-3}}, 1e-7);
  Cost const cost = Cost::parse(text, 2, 0);
  CHECK(cost.unit() == "second");
  CHECK(cost.duration({Kind::forward, 1, 0}) == 4'000'000);
  CHECK(cost.duration({Kind::backward, 0, 0}) == 5'000);
  CHECK(cost.hop() == 100);
}

}  // namespace
}  // namespace quartic::plan
