#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "quartic/core/word_hash.hpp"

namespace quartic::engine {

inline constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// A row of /stage/NNNN/steps: one backward applied at one stage. Undefined integers are
/// -1, undefined doubles NaN. `staleness`, `drift`, the versions and the counts are measured by the
/// worker; `delay_*` and `plan_*` come from the plan.
struct StepRow {
  std::int64_t microbatch = -1;
  std::int64_t minibatch = -1;
  std::int32_t replica = 0;
  std::int32_t padding = 0;  ///< goes to the file too, so it is not left to chance
  std::int64_t version_forward = -1;
  std::int64_t version_backward = -1;
  std::int64_t version_applied = -1;
  std::int64_t staleness = -1;
  std::int64_t drift = -1;
  std::int64_t delay_own = -1;
  std::int64_t delay_oldest = -1;
  double displacement_sq = undefined;
  double gradient_sq = undefined;
  double learning_rate = undefined;
  double plan_forward = undefined;
  double plan_backward = undefined;
  std::int64_t forward_begin_ns = -1;
  std::int64_t forward_end_ns = -1;
  std::int64_t backward_begin_ns = -1;
  std::int64_t backward_end_ns = -1;
  std::int64_t wait_ns = -1;
  std::int32_t weight_copies = -1;
  std::int32_t activations = -1;
};

/// A row of /stage/NNNN/events: one action of one stage. `action` is the letter of the plan's text
/// form (F, B, I, W) or U (update), E (evaluate).
struct EventRow {
  char action = '?';
  std::array<char, 7> padding{};
  std::int64_t microbatch = -1;
  double plan_begin = undefined;
  double plan_end = undefined;
  std::int64_t begin_ns = -1;
  std::int64_t end_ns = -1;
};

/// A row of /loss: the loss of one microbatch, from its forward at the last stage.
struct LossRow {
  std::int32_t pipeline = 0;
  std::int32_t replica = 0;
  std::int64_t microbatch = -1;
  std::int64_t minibatch = -1;
  double plan_time = undefined;
  std::int64_t wall_ns = -1;
  double loss = undefined;
};

/// A row of /objective, f at a consistent snapshot of the plan, or of /validation, the mean loss of
/// held-out rows there.
struct ObjectiveRow {
  double plan_time = undefined;
  std::int64_t block_updates = -1;
  std::int64_t wall_ns = -1;
  double value = undefined;
  double accuracy = undefined;
  double gradient_sq = undefined;
};

/// A row of /stage/NNNN/stale_read: a stage's part of ‖w_k − z_k‖², the square of how far its block
/// has moved from what the microbatch's forward has read to the microbatch's snapshot
/// (StaleReadSnapshots). In a gathered trace /stale_read is the sum over the stages.
struct StaleReadRow {
  std::int64_t microbatch = -1;
  double plan_time = undefined;
  double value = undefined;
};

/// A row of /memory: the peak bytes of one rank. Those of the first four that were planned are
/// known before the run starts. `others` is what tracing, evaluation and the timing of messages
/// decide: messages, but for inputs that are kept (they are activations), weights pinned for
/// evaluation, copies for the distances in the trace.
struct MemoryRow {
  std::int32_t rank = -1;
  std::int32_t padding = 0;
  std::int64_t weights_bytes = 0;      ///< the live version of each stage
  std::int64_t stashes_bytes = 0;      ///< its other versions and replicas
  std::int64_t activations_bytes = 0;  ///< what microbatches in flight keep for their backward
  std::int64_t buffers_bytes = 0;      ///< gradients, optimizer state, between a backward's halves
  std::int64_t resident_bytes = 0;     ///< peak of the process, as the system reports it
  std::int64_t others_bytes = 0;
  std::int64_t planned_weights_bytes = 0;
  std::int64_t planned_stashes_bytes = 0;
  std::int64_t planned_activations_bytes = 0;
  std::int64_t planned_buffers_bytes = 0;
};

/// What a rank computed with at one start of the run. Texts end with a zero and are cut to fit.
struct RankRow {
  std::int32_t start = -1;  ///< 0 for a run's first start, one more for each --resume
  std::int32_t rank = -1;
  std::int32_t threads = -1;  ///< threads of one matrix product
  std::array<char, 64> host{};
  std::array<char, 96> cpu{};
  std::array<char, 32> blas_core{};
  std::array<char, 256> blas_choice{};  ///< why these kernels
  std::array<char, 256> build{};        ///< version, git, compiler, flags
};

/// Identifies the rows that a stage has recorded in a table, for a run that is resumed.
struct RecordedRows {
  std::int64_t count = 0;
  WordHash hash;  ///< hash of their bytes, in order

  template <class Row>
  void add(Row const& row) {
    ++count;
    hash.add_bytes_of(row);
  }
};

/// One entry for each table; /objective and /validation belong to the stage that writes them.
struct RecordedTables {
  RecordedRows steps;
  RecordedRows events;
  RecordedRows losses;
  RecordedRows stale_reads;
  RecordedRows objectives;
  RecordedRows validations;
};

/// A stage as the trace describes it.
struct StageInfo {
  int pipeline = 0;
  int stage = 0;
  int rank = 0;
  std::int64_t parameters = 0;
  std::int64_t parameter_bytes = 0;
};

/// Where the rows of this rank go. The engine appends whole batches, about once a second and at the
/// end; it owns the rows and may reuse them once the call returns. Called by one thread of a rank.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  /// `place`: the stage's place among those that this rank hosts.
  virtual void steps(int place, std::span<StepRow const> rows) = 0;
  virtual void events(int place, std::span<EventRow const> rows) = 0;
  virtual void losses(int place, std::span<LossRow const> rows) = 0;
  virtual void stale_reads(int place, std::span<StaleReadRow const> rows) = 0;
  virtual void objectives(std::span<ObjectiveRow const> rows) = 0;
  virtual void validations(std::span<ObjectiveRow const> rows) = 0;
  virtual void memory(MemoryRow const& row) = 0;
  /// Makes everything appended so far readable from outside.
  virtual void flush() = 0;
  /// Makes it outlast a loss of power.
  virtual void sync() = 0;
};

}  // namespace quartic::engine
