#pragma once

#include <string>
#include <vector>

#include "quartic/engine/hosting.hpp"
#include "quartic/engine/records.hpp"
#include "quartic/engine/stage.hpp"

namespace quartic::engine {

/// One stage's line of the closing table.
struct StageReport {
  Seat seat;
  StageTotals totals;
  std::int64_t wall_ns = 0;
};

/// What checkpoints have cost one rank.
struct CheckpointTotals {
  std::int64_t count = 0;
  std::int64_t stopped_ns = 0;  ///< that the rank could not compute for them
};

/// What people always ask of a pipeline at the end of a run: the share of wall time that each stage
/// spent in forward, backward, update, waiting for its input and for its gradient and the rest; the
/// bubble as planned and as measured, with words where the measured one says little; peak memory;
/// staleness and drift; what checkpoints have cost.
struct RunReport {
  std::vector<StageReport> stages;
  std::vector<MemoryRow> memory;
  std::vector<CheckpointTotals> checkpoints;  ///< by rank
  double planned_bubble = undefined;
  std::int64_t evaluation_ns = 0;  ///< after the training
  bool shares_cores = false;       ///< more ranks than cores on a node
  std::string text() const;
  /// 1 − the mean share of wall time that the stages were computing, where each had a rank (so a
  /// core) of its own; NaN otherwise.
  double measured_bubble() const;

 private:
  std::string measured_text() const;
};

}  // namespace quartic::engine
