#pragma once

#include <cstdint>

#include "quartic/comm/agreement.hpp"
#include "quartic/comm/tags.hpp"

namespace quartic::engine {

/// What the ranks of a run decide together while it goes on. At the same positions of the plan (so
/// many actions) each proposes, and at the next one learns what all have proposed at the last: so
/// all act at the same position, and none waits unless another is a whole round behind. A round
/// grows and shrinks to about a tenth of a second, but to no fewer actions than it begins with.
class Rounds {
 public:
  struct Proposal {
    bool stop = false;          ///< end the run, with a checkpoint
    bool checkpoint = false;    ///< time for one
    std::int64_t written = -1;  ///< position of the last checkpoint that is on this rank's disk
  };

  /// Collective. The first round has so many actions.
  Rounds(comm::Communicator& communicator, std::int64_t actions)
      : agreement_(communicator, comm::Tag::rounds),
        shortest_(actions),
        period_(actions),
        next_(actions) {}

  /// Where a resumed run stands.
  void start_at(std::int64_t position) { next_ = position + period_; }
  /// Whether the round ends at this position; after each action. Makes progress now and then.
  bool due(std::int64_t position) {
    if (position >= next_look_) {
      agreement_.done();
      next_look_ = position + period_ / looks_a_round;
    }
    return position >= next_;
  }
  /// Whether all have proposed what the round that ends is about.
  bool done() { return agreement_.done(); }
  /// Of the round that is done, what is true of any rank (stop, checkpoint) or of all (written).
  Proposal outcome() const;
  /// Begins the next.
  void begin(std::int64_t position, Proposal const& proposal, std::int64_t now_ns);

 private:
  static constexpr std::int64_t looks_a_round = 8;
  comm::Agreement agreement_;
  std::int64_t shortest_;
  std::int64_t period_;
  std::int64_t next_;
  std::int64_t next_look_ = 0;
  std::int64_t last_begin_ns_ = -1;
};

}  // namespace quartic::engine
