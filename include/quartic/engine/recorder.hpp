#pragma once

#include <cstdint>
#include <vector>

#include "quartic/engine/records.hpp"

namespace quartic::engine {

/// Collects the rows of one rank in memory and hands them to the sink once a second, or when a
/// buffer is full; in between recording costs a copy of the row. It never looks at a clock: every
/// row brings its time.
class Recorder {
 public:
  /// `stages`: those that this rank hosts, contiguous from `first_stage`. `every`: a row in `steps`
  /// for every so-many-th microbatch.
  Recorder(RecordSink& sink, int first_stage, int stages, std::int64_t every);

  void step(int stage, StepRow const& row);
  void event(int stage, EventRow const& row);
  void loss(LossRow const& row);
  void objective(ObjectiveRow const& row);
  /// Hands over everything if the last time is a second ago; a rank that waits calls it too.
  void flush_when_due(std::int64_t now_ns);
  /// Hands over everything; at the end of a run and before it fails.
  void flush();

 private:
  struct StageRows {
    std::vector<StepRow> steps;
    std::vector<EventRow> events;
  };
  StageRows& rows(int stage) { return stages_[static_cast<std::size_t>(stage - first_stage_)]; }

  RecordSink& sink_;
  int first_stage_;
  std::int64_t every_;
  std::vector<StageRows> stages_;
  std::vector<LossRow> losses_;
  std::vector<ObjectiveRow> objectives_;
  std::int64_t last_flush_ns_ = 0;
};

}  // namespace quartic::engine
