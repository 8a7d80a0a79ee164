#pragma once

#include <cstdint>
#include <functional>

#include "quartic/core/word_hash.hpp"
#include "quartic/engine/archive.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// What a checkpoint records of the run as a whole. It is the state of every stage at one position
/// of the plan, with the messages that are in transit there; the pipeline is not drained.
struct Checkpoint {
  std::int64_t position = 0;  ///< plan actions completed so far; reaching the plan's end adds one
  WordHash plan;              ///< hash of these actions
  std::int64_t block_updates = 0;
  std::int64_t wall_ns = 0;  ///< time of the run's clock
};

/// When checkpoints are made; as it is: only when the run is stopped.
struct CheckpointSettings {
  std::int64_t every_updates = 0;  ///< block updates
  std::int64_t every_steps = 0;
  std::int64_t every_ns = 0;
  /// The rules of a longer run of the same kind: the finished run keeps the checkpoint from which
  /// that one can continue. nullptr: none.
  plan::Rules const* longer = nullptr;
  std::function<bool()> stops = [] { return false; };  ///< whether this rank was told to stop
};

/// Where checkpoints are kept. A checkpoint counts once every stage is in it and it is committed;
/// until then the one before does. Every call throws Failure when it cannot be done.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  using State = std::function<void(Archive&)>;
  /// The rank that hosts the stage: what `state` visits, on its way to the disk when the call
  /// returns.
  virtual void save(std::int64_t position, Seat seat, State const& state) = 0;
  /// Position of the last checkpoint of which everything that this rank saved is on the disk.
  virtual std::int64_t written() = 0;
  /// Waits until that is so of everything.
  virtual void finish() = 0;
  /// Rank 0, once that is so on every rank: from now on this is the newest checkpoint. Earlier ones
  /// are given up, but for the one at `lasting`.
  virtual void commit(Checkpoint const& checkpoint, std::int64_t lasting) = 0;
  /// What save() was given, to be put back.
  virtual void restore(std::int64_t position, Seat seat, State const& state) = 0;
};

}  // namespace quartic::engine
