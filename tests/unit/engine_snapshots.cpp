#include <doctest/doctest.h>

#include <vector>

#include "quartic/engine/snapshots.hpp"

namespace quartic::engine {
namespace {

struct Pinned {
  std::vector<plan::Ticks> times;
  void operator()(plan::Ticks time) { times.push_back(time); }
};

TEST_CASE("a snapshot at t waits for the stage's last action that ends at or before t") {
  TimeSnapshots snapshots(10);
  Pinned pinned;
  auto const pin = [&](plan::Ticks time) { pinned(time); };
  snapshots.pass(
      10, pin);  // an action that ends at 10 belongs into the snapshot at 10, not into that at 0
  CHECK(pinned.times == std::vector<plan::Ticks>{0});
  snapshots.pass(31, pin);
  CHECK(pinned.times == std::vector<plan::Ticks>{0, 10, 20, 30});
}

TEST_CASE("the end is a snapshot, once, whether or not it is a multiple") {
  for (plan::Ticks const end : {40, 47}) {
    TimeSnapshots snapshots(10);
    Pinned pinned;
    snapshots.pass(35, [&](plan::Ticks time) { pinned(time); });
    snapshots.finish(end, [&](plan::Ticks time) { pinned(time); });
    CHECK(pinned.times.back() == end);
    CHECK(pinned.times.size() == (end == 40 ? 5 : 6));
  }
}

TEST_CASE("without a period there are two snapshots: the start and the end") {
  TimeSnapshots snapshots(0);
  Pinned pinned;
  snapshots.pass(5, [&](plan::Ticks time) { pinned(time); });
  snapshots.finish(9, [&](plan::Ticks time) { pinned(time); });
  CHECK(pinned.times == std::vector<plan::Ticks>{0, 9});
}

}  // namespace
}  // namespace quartic::engine
