#pragma once

#include <cstdint>
#include <vector>

#include "quartic/engine/archive.hpp"
#include "quartic/engine/bulletin.hpp"
#include "quartic/engine/records.hpp"

namespace quartic::engine {

/// Collects the rows of one rank in memory and hands them to the sink once a second, or when a
/// buffer is full; in between recording costs a copy of the row. It never looks at a clock: every
/// row brings its time.
class Recorder {
 public:
  /// `places`: how many stages this rank hosts; a stage is named by its place among them. `every`:
  /// a row in `steps` for every so-many-th microbatch.
  /// `bulletin`, where there is one, is told what the first pipeline measures.
  Recorder(RecordSink& sink, int places, std::int64_t every, Bulletin* bulletin = nullptr);

  void step(int place, StepRow const& row);
  void event(int place, EventRow const& row);
  /// A loss of the last stage.
  void loss(int place, LossRow const& row);
  void stale_read(int place, StaleReadRow const& row);
  /// An evaluation, at the stage where it ends.
  void objective(int place, ObjectiveRow const& row);
  void validation(int place, ObjectiveRow const& row);
  /// Hands over everything if the last time is a second ago; a rank that waits calls it too.
  void flush_when_due(std::int64_t now_ns);
  /// Hands over everything; at the end of a run and before it fails.
  void flush();
  /// Hands over everything and waits until it is on disk: a checkpoint relies on it.
  void sync();
  /// What a stage has recorded.
  void state(int place, Archive& archive);

 private:
  struct StageRows {
    RecordedTables recorded;
    std::vector<StepRow> steps;
    std::vector<EventRow> events;
    std::vector<LossRow> losses;
    std::vector<StaleReadRow> stale_reads;
  };
  StageRows& rows(int place) { return stages_[static_cast<std::size_t>(place)]; }

  RecordSink& sink_;
  Bulletin* bulletin_;
  std::int64_t every_;
  std::vector<StageRows> stages_;
  std::vector<ObjectiveRow> objectives_;
  std::vector<ObjectiveRow> validations_;
  std::int64_t last_flush_ns_ = 0;
};

}  // namespace quartic::engine
