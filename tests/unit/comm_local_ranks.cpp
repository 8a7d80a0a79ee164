#include <doctest/doctest.h>

#include "quartic/comm/local_ranks.hpp"

using quartic::comm::local_ranks;

TEST_CASE("ranks are counted on their own node, wherever they stand") {
  CHECK(local_ranks({"a", "a", "b", "a", "b"}) == std::vector{0, 1, 0, 2, 1});
  CHECK(local_ranks({"only"}) == std::vector{0});
  CHECK(local_ranks({}).empty());
}
