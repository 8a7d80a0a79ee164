#pragma once

#include <cstdint>

#include "quartic/comm/communicator.hpp"
#include "quartic/core/clock.hpp"

namespace quartic::comm {

/// One clock for all ranks: nanoseconds since rank 0's start, or since that of the run that this
/// one goes on with. Ranks on rank 0's node read the same monotonic clock; others correct theirs by
/// the offset measured over the fastest of a few round trips (Cristian 1989), which is right to
/// half that round trip.
class SharedClock {
 public:
  /// Collective.
  explicit SharedClock(Communicator& communicator, std::int64_t elapsed_ns = 0);
  std::int64_t now_ns() const { return monotonic_ns() - start_ns_; }

 private:
  std::int64_t start_ns_ = 0;  // in this node's monotonic clock
};

}  // namespace quartic::comm
