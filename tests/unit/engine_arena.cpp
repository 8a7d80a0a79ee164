#include <doctest/doctest.h>

#include <algorithm>

#include "quartic/engine/arena.hpp"

namespace quartic::engine {
namespace {

using Floats = Arena<float>;

TEST_CASE("places of both kinds lie one after the other in one block") {
  Floats arena({{{2, 3}, {1, 5}}});
  std::vector<std::span<float>> places{arena.take(Floats::saved), arena.take(Floats::saved),
                                       arena.take(Floats::flow)};
  std::sort(places.begin(), places.end(),
            [](auto const& a, auto const& b) { return a.data() < b.data(); });
  CHECK(places[0].size() == 3);
  CHECK(places[2].size() == 5);
  CHECK(places[0].data() + 3 == places[1].data());
  CHECK(places[1].data() + 3 == places[2].data());
  CHECK(arena.bytes(Floats::saved) == 2 * 3 * 4);
  CHECK(arena.bytes(Floats::flow) == 5 * 4);
}

TEST_CASE("a place that was given back is the next to be taken") {
  Floats arena({{{2, 3}, {0, 0}}});
  auto const first = arena.take(Floats::saved);
  auto const second = arena.take(Floats::saved);
  arena.give_back(Floats::saved, first);
  CHECK(arena.take(Floats::saved).data() == first.data());
  arena.give_back(Floats::saved, second);
  CHECK(arena.take(Floats::saved).data() == second.data());
}

TEST_CASE("what was not planned is made when it is needed, counted, and used again") {
  Floats arena({{{1, 3}, {0, 2}}});
  auto const planned = arena.take(Floats::saved);
  auto const further = arena.take(Floats::saved);
  CHECK(further.size() == 3);
  CHECK(further.data() != planned.data());
  CHECK(arena.bytes(Floats::saved) == 2 * 3 * 4);
  arena.give_back(Floats::saved, further);
  CHECK(arena.take(Floats::saved).data() == further.data());
  CHECK(arena.take(Floats::flow).size() == 2);
  CHECK(arena.bytes(Floats::flow) == 2 * 4);
}

}  // namespace
}  // namespace quartic::engine
