// The main of tests without MPI. A run that selects no test case at all is an error.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "support/count_cases.hpp"
#include "support/ranks.hpp"
#include "support/start.hpp"

namespace quartic::test {
int rank_count() {
  return 1;
}
int this_rank() {
  return 0;
}
void require_ranks(int ranks) {
  REQUIRE_MESSAGE(ranks == 1, "this test runs without MPI");
}
}  // namespace quartic::test

int main(int argc, char** argv) {
  if (start_products != nullptr) start_products(argv);
  doctest::Context context(argc, argv);
  int const result = context.run();
  if (context.shouldExit() || CountCases::selected > 0) return result;
  std::fputs("no test case was selected\n", stderr);
  return 1;
}
