#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/plan/planner.hpp"

namespace quartic::plan {

/// Smallest, mean and largest of a stream of numbers; all NaN when there was none.
class Spread {
 public:
  void add(double value);
  double min() const;
  double mean() const;
  double max() const;
  std::int64_t count() const { return count_; }

 private:
  double min_ = 0;
  double max_ = 0;
  double sum_ = 0;
  std::int64_t count_ = 0;
};

struct StageStatistics {
  Spread staleness;
  Spread drift;
  Spread delay_own;
  Spread delay_oldest;
  Spread weight_copies;
  Spread activations;
};

/// Per-stage statistics of a part of a plan, and the busy share of all workers in it.
struct WindowStatistics {
  std::vector<StageStatistics> stages;
  Spread delay_mean;  ///< over all pairs of stage and block
  double utilisation = 0;
};

/// Which microbatches make the steady state: without the first 4S microbatches (4S
/// minibatches where an update takes several) and without the drain, cut to whole periods; the
/// middle third of a run that is shorter.
struct SteadyWindow {
  std::int64_t first;  ///< first microbatch
  std::int64_t end;    ///< one past the last
};
SteadyWindow steady_window(Rules const& rules);

/// Watches a plan go by and keeps its statistics, of the whole run and of its steady state. Feed it
/// every action with the steps that the action applied.
class Statistics {
 public:
  explicit Statistics(Rules const& rules);
  void add(Decision const& planned, std::span<PlannedStep const> applied);

  WindowStatistics steady() const;
  WindowStatistics whole() const;
  Ticks makespan() const { return makespan_; }
  double bubble() const { return 1 - whole().utilisation; }

 private:
  struct Busy {  // of one worker
    Ticks ticks = 0;
    Ticks until = 0;
  };
  Ticks busy_until(Ticks time) const;
  double utilisation(Ticks busy, Ticks duration) const;

  SteadyWindow window_;
  std::vector<Busy> busy_;
  Ticks makespan_ = 0;
  Ticks steady_begin_ = -1;
  Ticks steady_end_ = -1;
  Ticks busy_at_begin_ = 0;
  Ticks busy_at_end_ = 0;
  WindowStatistics steady_;
  WindowStatistics whole_;
};

}  // namespace quartic::plan
