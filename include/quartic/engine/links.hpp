#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "quartic/comm/channel.hpp"
#include "quartic/engine/device_payload.hpp"
#include "quartic/engine/hosting.hpp"

namespace quartic::engine {

/// The channel ends of one seat; nullptr where there is no neighbour.
struct StageLinks {
  comm::Inbox* activations_in = nullptr;
  comm::Outbox* activations_out = nullptr;
  comm::Inbox* gradients_in = nullptr;
  comm::Outbox* gradients_out = nullptr;
  comm::Inbox* sweeps_in = nullptr;  ///< evaluation, forward
  comm::Outbox* sweeps_out = nullptr;
  comm::Inbox* returns_in = nullptr;  ///< evaluation, backward
  comm::Outbox* returns_out = nullptr;
  // Between the copies of the stage in neighbouring pipelines, each a block of weights.
  comm::Inbox* sums_in = nullptr;  ///< averaging, down to pipeline 0
  comm::Outbox* sums_out = nullptr;
  comm::Inbox* means_in = nullptr;  ///< averaging, back up
  comm::Outbox* means_out = nullptr;
  comm::Inbox* pins_in = nullptr;  ///< snapshots, down to pipeline 0
  comm::Outbox* pins_out = nullptr;
};

/// Payload bytes of a stage's messages; 0 is allowed for stages that the rank does not touch.
struct MessageBytes {
  std::size_t pass = 0;          ///< activation and gradient across the boundary after the stage
  std::size_t sweep = 0;         ///< evaluation, both ways, across the same
  std::size_t sweep_scores = 0;  ///< its notes
  std::size_t weights = 0;       ///< the stage's block
};

/// All channels of this rank's seats: between hosted neighbours by move, to others by MPI, with
/// receives posted ahead. Payloads lie where the process computes.
class Links {
 public:
  /// `bytes[s]` is for stage s, the same in all pipelines.
  Links(comm::Communicator& communicator, Hosting const& hosting,
        std::vector<MessageBytes> const& bytes, Journey journey);

  StageLinks const& of(Seat seat) const { return seats_[hosting_.index_of(seat)]; }
  /// Sends on what waited to depart; to be called while there may be such.
  void progress();
  /// Whether every message sent has left this rank.
  bool drained();
  std::size_t bytes() const;

 private:
  struct Ends {
    comm::Outbox* out;
    comm::Inbox* in;
  };
  StageLinks& links(Seat seat) { return seats_[hosting_.index_of(seat)]; }
  void connect_stages(Seat lower, MessageBytes bytes);
  void connect_pipelines(Seat first, std::size_t bytes);
  Ends connect(Seat from, Seat to, int kind, comm::MessageLayout layout, int posted_ahead);

  comm::Communicator& communicator_;
  Hosting const& hosting_;
  Journey journey_;
  std::vector<StageLinks> seats_;
  std::vector<std::unique_ptr<comm::LocalChannel>> local_;
  std::vector<std::unique_ptr<comm::RemoteOutbox>> outboxes_;
  std::vector<std::unique_ptr<comm::RemoteInbox>> inboxes_;
};

}  // namespace quartic::engine
