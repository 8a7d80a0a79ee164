#include <doctest/doctest.h>

#include <memory>

#include "quartic/core/indexed_ring.hpp"

using quartic::IndexedRing;

TEST_CASE("elements keep their number while the ring grows") {
  IndexedRing<std::int64_t> ring(5);
  for (std::int64_t i = 5; i < 105; ++i) {
    ring.push(10 * i);
    CHECK(ring.first() == 5);
    CHECK(ring.end() == i + 1);
    for (std::int64_t j = 5; j <= i; ++j) REQUIRE(ring[j] == 10 * j);
  }
}

TEST_CASE("elements keep their number while the ring turns round") {
  IndexedRing<std::int64_t> ring;
  std::int64_t pushed = 0;
  std::int64_t popped = 0;
  // Two in, one out: it turns and grows at the same time, from every offset.
  while (pushed < 300) {
    ring.push(pushed++);
    ring.push(pushed++);
    REQUIRE(ring.pop() == popped++);
    REQUIRE(ring.size() == pushed - popped);
    REQUIRE(ring.front() == popped);
    REQUIRE(ring.back() == pushed - 1);
    for (std::int64_t i = popped; i < pushed; ++i) REQUIRE(ring[i] == i);
  }
  while (!ring.empty()) REQUIRE(ring.pop() == popped++);
  CHECK(popped == pushed);
}

TEST_CASE("contains tells which numbers are held") {
  IndexedRing<int> ring(3);
  CHECK(ring.empty());
  CHECK_FALSE(ring.contains(3));
  ring.push(1);
  ring.push(2);
  ring.pop();
  CHECK_FALSE(ring.contains(3));
  CHECK(ring.contains(4));
  CHECK_FALSE(ring.contains(5));
}

TEST_CASE("a ring at its full size allocates no more: elements stay where they are") {
  IndexedRing<int> ring;
  for (int i = 0; i < 8; ++i) ring.push(i);
  int const* const slot = &ring.front();
  for (int i = 8; i < 16; ++i) {
    ring.pop();
    ring.push(i);
  }
  CHECK(&ring.front() == slot);
}

TEST_CASE("a ring holds what can only be moved") {
  IndexedRing<std::unique_ptr<int>> ring;
  for (int i = 0; i < 9; ++i) ring.push(std::make_unique<int>(i));
  for (int i = 0; i < 9; ++i) CHECK(*ring.pop() == i);
}

#ifdef QUARTIC_ASSERTIONS
TEST_CASE("reading what is not held is a broken promise") {
  IndexedRing<int> ring;
  CHECK_THROWS_AS(ring.pop(), quartic::Failure);
  ring.push(1);
  CHECK_THROWS_AS(ring[1], quartic::Failure);
  CHECK_THROWS_AS(ring[-1], quartic::Failure);
}
#endif
