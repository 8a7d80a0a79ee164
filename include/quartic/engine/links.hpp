#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "quartic/comm/channel.hpp"
#include "quartic/comm/placement.hpp"

namespace quartic::engine {

/// The ends that one stage holds; nullptr at the pipeline's ends.
struct StageLinks {
  comm::Inbox* activations_in = nullptr;
  comm::Outbox* activations_out = nullptr;
  comm::Inbox* gradients_in = nullptr;
  comm::Outbox* gradients_out = nullptr;
  comm::Inbox* sweeps_in = nullptr;  ///< evaluation, forward
  comm::Outbox* sweeps_out = nullptr;
  comm::Inbox* returns_in = nullptr;  ///< evaluation, backward
  comm::Outbox* returns_out = nullptr;
};

/// Payload bytes of the messages across the boundary after one stage.
struct BoundaryBytes {
  std::size_t pass = 0;   ///< activation and gradient
  std::size_t sweep = 0;  ///< evaluation, both ways
};

/// All channels of this rank's stages: between hosted neighbours by move, to others by MPI, with
/// receives posted ahead.
class Links {
 public:
  /// `boundaries[s]` is the boundary between stages s and s+1. `worker_of` maps stages to workers
  /// through `placement` to ranks.
  Links(comm::Communicator& communicator, comm::Placement const& placement, int workers,
        std::vector<BoundaryBytes> const& boundaries);

  StageLinks const& of(int stage) const { return stages_[static_cast<std::size_t>(stage)]; }
  /// Whether every message sent has left this rank.
  bool drained();
  std::size_t bytes() const;

 private:
  struct Ends {
    comm::Outbox* out;
    comm::Inbox* in;
  };
  Ends connect(int from_stage, int to_stage, int kind, std::size_t bytes, int posted_ahead);

  comm::Communicator& communicator_;
  comm::Placement const& placement_;
  int workers_;
  std::vector<StageLinks> stages_;
  std::vector<std::unique_ptr<comm::LocalChannel>> local_;
  std::vector<std::unique_ptr<comm::RemoteOutbox>> outboxes_;
  std::vector<std::unique_ptr<comm::RemoteInbox>> inboxes_;
};

}  // namespace quartic::engine
