#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/archive.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/engine/read_copies.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/engine/settings.hpp"
#include "quartic/engine/stage_weights.hpp"
#include "quartic/engine/stale_read_snapshots.hpp"
#include "quartic/plan/decision.hpp"
#include "quartic/plan/versions.hpp"

namespace quartic::engine {

/// Wall time of one stage by what it was spent on, and the largest counts: the closing table.
struct StageTotals {
  std::int64_t forward_ns = 0;
  std::int64_t backward_ns = 0;
  std::int64_t update_ns = 0;
  std::int64_t wait_activations_ns = 0;
  std::int64_t wait_gradients_ns = 0;
  std::int64_t steps = 0;
  std::int64_t staleness_sum = 0;
  std::int64_t staleness_max = 0;
  std::int64_t drift_sum = 0;
  std::int64_t drift_max = 0;
  std::int64_t peak_activations = 0;
};

struct WallTime {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t duration() const { return end_ns - begin_ns; }
};

/// Measures what one stage does: its rows of the trace, from a microbatch's forward to its update,
/// and its totals. Microbatches begin and end in ascending order.
template <class T>
class StepRows {
 public:
  /// `local_stage`: the index among the stages that this rank hosts. `parameters`: elements of the
  /// stage's block. `trained` (the parts of it that distances are taken over) and `recorder` must
  /// outlive this.
  StepRows(Seat seat, int local_stage, StageSettings const& settings, std::int64_t parameters,
           std::span<Part const> trained, Recorder& recorder);

  /// Weight copies and microbatches that the stage holds.
  struct Counts {
    std::int32_t copies = 0;
    std::int32_t activations = 0;
  };
  /// A forward, which computed with `weights`; `wait_ns` is how long it waited for its input.
  void forward(plan::Decision const& decision, std::span<T const> weights, Counts counts,
               WallTime wall, std::int64_t wait_ns);
  /// The loss of a forward at the last stage.
  void loss(plan::Decision const& decision, double loss, std::int64_t end_ns);
  /// A backward action begins, of one microbatch or several.
  void begin_backward(Counts counts, std::int64_t begin_ns);
  /// The input half of one of its microbatches.
  void backward_input(plan::Decision const& decision, plan::Pass const& pass, std::int64_t wait_ns);
  /// The oldest microbatch, whose gradient has been added up, waits for its update.
  void accumulate();
  /// The oldest microbatch ends without an update at this stage.
  void drop() { in_flight_.pop(); }
  /// A microbatch of the action has been computed; `ends`: the last of them.
  void end_backward(plan::Decision const& decision, WallTime wall, bool ends);
  /// Before an update of `live`: measures sampled displacements.
  void measure_displacements(std::span<T const> live);
  /// After it, from the version `version` to the next.
  void update(std::int64_t version, typename StageWeights<T>::Updated const& updated);
  /// Hands the rows of the update to the recorder, with the plan's columns (none on arrival).
  void record(std::span<plan::PlannedStep const> planned);

  /// At a snapshot, before any update that ends after it: records this stage's part of the sample,
  /// unless it has done so.
  void sample_stale_read(StaleReadSnapshot const& snapshot, StageWeights<T> const& weights);
  void add_update(WallTime wall) { totals_.update_ns += wall.duration(); }
  void add_wait(plan::Kind kind, std::int64_t duration_ns);

  /// The oldest version that a forward read among the gradients that wait for their update and the
  /// microbatches [first, last] in flight.
  std::int64_t oldest_version(std::int64_t first, std::int64_t last) const;
  StepRow const& row(std::int64_t microbatch) const { return in_flight_[microbatch].row; }
  StageTotals const& totals() const { return totals_; }
  /// Bytes of copies that distances need.
  std::int64_t copy_bytes() const { return read_copies_.bytes(); }

  /// The microbatches in flight from `oldest` to `next`, in a group of the caller's.
  void in_flight_state(Archive& archive, std::int64_t oldest, std::int64_t next);
  /// All that is not of a microbatch in flight.
  void state(Archive& archive);

 private:
  struct Pending {  // in flight, or waiting for its update
    StepRow row;
    compute::Buffer<T> displacement_origin;  // empty unless this microbatch is sampled
  };
  struct SampledRead {  // waits for its snapshot
    std::int64_t microbatch = -1;
    int replica = 0;
    compute::Buffer<T> copy;
  };

  void keep_stale_read(plan::Pass const& pass, std::span<T const> weights);
  void event(plan::Decision const& decision, WallTime wall);
  void origins_state(Archive& archive, std::vector<Pending*> pending);
  void accumulated_state(Archive& archive);
  void sampled_reads_state(Archive& archive);
  void totals_state(Archive& archive);

  Seat seat_;
  int local_stage_;
  StageSettings settings_;
  Recorder& recorder_;
  std::int64_t parameters_;
  ReadCopies<T> read_copies_;
  IndexedRing<Pending> in_flight_;
  std::vector<Pending> accumulated_;
  IndexedRing<SampledRead> sampled_reads_;
  Counts action_counts_;  // at the begin of the backward action
  std::int64_t action_begin_ns_ = 0;
  StageTotals totals_;
};

}  // namespace quartic::engine
