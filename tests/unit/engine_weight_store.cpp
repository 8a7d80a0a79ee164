#include <doctest/doctest.h>

#include <algorithm>

#include "quartic/engine/weight_store.hpp"

namespace quartic::engine {
namespace {

void apply(WeightStore<double>& store, double value) {
  auto const [from, to] = store.begin_update(store.live() + 1);
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] + value;
  store.finish_update(store.live() + 1);
}

TEST_CASE("an update works in place where nobody holds the live version") {
  WeightStore<double> store(3);
  std::ranges::fill(store.initial(), 1.0);
  double const* const memory = store.read_live().data();
  apply(store, 1);
  apply(store, 1);
  CHECK(store.live() == 2);
  CHECK(store.copies() == 1);
  CHECK(store.read_live()[2] == 3);
  CHECK(store.read_live().data() == memory);
}

TEST_CASE("a held version stays as it was, and its memory is used again once released") {
  WeightStore<double> store(2);
  std::ranges::fill(store.initial(), 0.0);
  store.hold(0);
  store.hold(0);
  apply(store, 1);
  CHECK(store.copies() == 2);
  CHECK(store.read(0)[0] == 0);
  CHECK(store.read(1)[0] == 1);
  double const* const held = store.read(0).data();
  store.release(0);
  CHECK(store.copies() == 2);
  store.release(0);
  CHECK(store.copies() == 1);
  store.hold(1);
  apply(store, 1);
  CHECK(store.read_live().data() == held);
  CHECK(store.peak_copies() == 2);
}

TEST_CASE("versions may be released in any order") {
  WeightStore<float> store(1);
  store.initial()[0] = 0;
  for (int version = 0; version < 4; ++version) {
    store.hold(version);
    auto const [from, to] = store.begin_update(store.live() + 1);
    to[0] = from[0] + 1;
    store.finish_update(store.live() + 1);
  }
  CHECK(store.copies() == 5);
  store.release(2);
  store.release(0);
  CHECK(store.copies() == 3);
  CHECK(store.read(1)[0] == 1);
  CHECK(store.read(3)[0] == 3);
  CHECK(store.read_live()[0] == 4);
}

}  // namespace
}  // namespace quartic::engine
