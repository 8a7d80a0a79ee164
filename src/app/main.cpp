#include <malloc.h>

#include <string>
#include <vector>

#include "quartic/app/commands.hpp"
#include "quartic/app/process.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/compute/blas_start.hpp"

int main(int count, char** words) {
  quartic::app::prepare_process();
  // Large blocks, such as HDF5's for a checkpoint, come from the system and go back to it. Left to
  // itself glibc soon takes them from the heap, whose holes then cost a long run megabytes.
  constexpr int large_bytes = 128 << 10;
  mallopt(M_MMAP_THRESHOLD, large_bytes);
  quartic::compute::start_blas(words);
  quartic::comm::Communicator communicator;
  return quartic::app::dispatch(communicator, std::vector<std::string>(words + 1, words + count));
}
