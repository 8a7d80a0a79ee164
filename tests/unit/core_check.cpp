#include <doctest/doctest.h>

#include "quartic/core/check.hpp"

TEST_CASE("each kind of error is its own type, and none is another") {
  CHECK_THROWS_WITH_AS(quartic::usage_error("--stages {}: at least {}", 0, 1),
                       "--stages 0: at least 1", quartic::UsageError);
  CHECK_THROWS_WITH_AS(quartic::failure("rank {}", 3), "rank 3", quartic::Failure);
  CHECK_THROWS_AS(throw quartic::Divergence(2, 17, "NaN in the loss"), quartic::Divergence);
}

TEST_CASE("a divergence says where it happened") {
  quartic::Divergence const divergence(2, 17, "NaN in the loss");
  CHECK(divergence.stage == 2);
  CHECK(divergence.microbatch == 17);
  CHECK(std::string(divergence.what()) == "NaN in the loss at stage 2, microbatch 17");
}

TEST_CASE("an assertion is checked exactly when the build says so") {
  int evaluated = 0;
  auto const broken = [&evaluated] { return ++evaluated == 0; };
#ifdef QUARTIC_ASSERTIONS
  CHECK_THROWS_AS(QUARTIC_ASSERT(broken()), quartic::Failure);
  CHECK(evaluated == 1);
#else
  QUARTIC_ASSERT(broken());
  CHECK(evaluated == 0);
#endif
}
