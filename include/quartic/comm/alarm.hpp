#pragma once

#include <optional>
#include <vector>

#include "quartic/comm/communicator.hpp"

namespace quartic::comm {

/// How a rank tells all others, in the middle of a run, that it cannot continue: each keeps one
/// receive posted for it and looks at it while it waits. Looking also drives MPI's progress, so
/// this is what beats between layers.
class Alarm {
 public:
  explicit Alarm(Communicator& communicator);

  /// Tells every other rank at which stage and microbatch it happened.
  void ring(int stage, std::int64_t microbatch);
  /// Who rang, once somebody has; never blocks.
  struct Call {
    int stage;
    std::int64_t microbatch;
  };
  std::optional<Call> heard();

 private:
  Communicator& communicator_;
  Transfer posted_;
  std::optional<Call> call_;
};

}  // namespace quartic::comm
