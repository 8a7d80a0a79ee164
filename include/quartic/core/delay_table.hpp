#pragma once

#include <cstdint>
#include <vector>

namespace quartic {

/// The draws of Randomized PipeDream as a file holds them, for K iterations.
struct DelayTable {
  int stages = 0;
  std::vector<std::int64_t> stage;       ///< [K] the stage that iteration k updates
  std::vector<std::int64_t> microbatch;  ///< [K] the microbatch of the data that it works on
  std::vector<std::int64_t> delays;      ///< [K, stages] in block updates
};

}  // namespace quartic
