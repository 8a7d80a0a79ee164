#pragma once

#include <cstdint>

#include "quartic/comm/agreement.hpp"
#include "quartic/comm/tags.hpp"

namespace quartic::engine {

/// Lets the ranks of a run agree, without stopping, on three things: whether to stop, whether to
/// checkpoint, and which checkpoint is safely on disk. At the same positions of the plan every rank
/// proposes, and at the next of them it learns what all ranks proposed at the last: so all act at
/// one position, and a rank waits only if another is a whole period behind. A period grows and
/// shrinks towards a tenth of a second, and has at least as many actions as the first.
class Consensus {
 public:
  struct Proposal {
    bool stop = false;          ///< end the run, with a checkpoint
    bool checkpoint = false;    ///< it is time for a checkpoint
    std::int64_t written = -1;  ///< position of the last checkpoint that is on this rank's disk
  };

  /// Collective. `actions`: of the plan, in the first and in the shortest period.
  Consensus(comm::Communicator& communicator, std::int64_t actions)
      : agreement_(communicator, comm::Tag::consensus),
        shortest_(actions),
        period_(actions),
        next_(actions) {}

  /// Starts at the position of a resumed run.
  void start_at(std::int64_t position) { next_ = position + period_; }
  /// Whether the period ends at this position; called after each action. Makes progress with
  /// messages now and then.
  bool due(std::int64_t position) {
    if (position >= next_look_) {
      agreement_.done();
      next_look_ = position + period_ / looks_a_period;
    }
    return position >= next_;
  }
  /// Whether every rank has proposed at the end of the last period.
  bool done() { return agreement_.done(); }
  /// Once it is done: what is true of any rank (stop, checkpoint) or of all (written).
  Proposal outcome() const;
  /// Proposes, and begins the next period.
  void begin(std::int64_t position, Proposal const& proposal, std::int64_t now_ns);

 private:
  static constexpr std::int64_t looks_a_period = 8;
  comm::Agreement agreement_;
  std::int64_t shortest_;
  std::int64_t period_;
  std::int64_t next_;
  std::int64_t next_look_ = 0;
  std::int64_t last_begin_ns_ = -1;
};

}  // namespace quartic::engine
