#pragma once

#include <cstdint>

#include "quartic/engine/records.hpp"

namespace quartic::engine {

/// How far a run is.
struct Standing {
  std::int64_t wall_ns = 0;        ///< of the run's clock
  std::int64_t microbatches = 0;   ///< trained at stage 0, of one pipeline
  std::int64_t snapshots = 0;      ///< taken for evaluation so far
  double passes_a_snapshot = 0;    ///< of evaluation; a pass may be for several snapshots
  std::int64_t rows_a_pass = 0;    ///< at most
  std::int64_t passes = 0;         ///< that stage 0 has done
  std::int64_t passes_left = 0;    ///< of the snapshots so far
  std::int64_t evaluating_ns = 0;  ///< that this rank has spent on passes
};

/// Follows a run on rank 0, whichever ranks measure what it is told.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// The losses of further microbatches, of the first pipeline.
  virtual void losses(double sum, std::int64_t count) = 0;
  virtual void objective(ObjectiveRow const& row) = 0;
  virtual void validation(ObjectiveRow const& row) = 0;
  /// After every update of stage 0, and while it waits: so often that it must cost nothing.
  virtual void stands(Standing const& standing) = 0;
};

}  // namespace quartic::engine
