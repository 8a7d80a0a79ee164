#pragma once

namespace quartic::test {

/// Number of ranks of this run and the number of this one; 1 and 0 in tests without MPI.
int rank_count();
int this_rank();

/// Fails the test case unless it runs on exactly `ranks` ranks. A case that needs N ranks stands in
/// TEST_SUITE("N ranks"), which ctest leaves out on other numbers; started by hand on the wrong
/// number it fails, and never skips.
void require_ranks(int ranks);

}  // namespace quartic::test
