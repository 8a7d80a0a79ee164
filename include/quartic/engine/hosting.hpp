#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "quartic/comm/placement.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// A stage of one pipeline: where the run's stages sit.
struct Seat {
  int pipeline = 0;
  int stage = 0;
  friend bool operator==(Seat, Seat) = default;
};

/// Which rank hosts which seats. Pipeline p's worker w is worker p·W + w of the run; ranks host
/// contiguous workers, and all seats of each.
class Hosting {
 public:
  /// UsageError when there are more ranks than workers.
  Hosting(plan::Rules const& rules, int pipelines, int ranks, int rank);

  /// The seats of this rank, by pipeline, then stage.
  std::span<Seat const> seats() const { return seats_; }
  /// A seat's index in that list; -1 where another rank hosts it.
  int local_stage(Seat seat) const;
  int rank_of(Seat seat) const;
  /// Among the seats of all ranks.
  std::size_t index_of(Seat seat) const {
    return static_cast<std::size_t>(seat.pipeline) * static_cast<std::size_t>(stages_) +
           static_cast<std::size_t>(seat.stage);
  }
  int pipelines() const { return pipelines_; }
  int stages() const { return stages_; }

 private:
  int pipelines_;
  int stages_;
  std::vector<int> ranks_;         // by pipeline, then stage
  std::vector<int> local_stages_;  // by pipeline, then stage; -1: on another rank
  std::vector<Seat> seats_;
};

}  // namespace quartic::engine
