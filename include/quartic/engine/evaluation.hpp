#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::engine {

/// A consistent cut: a moment of the plan at which the objective is evaluated.
struct Cut {
  double plan_time = undefined;
  std::int64_t wall_ns = 0;  ///< when this stage reached it
};

/// One stage's part in evaluating the objective. At each cut the stage pins its live weights (a
/// copy); cuts are gathered into batches of as many versions as the objective takes in one sweep. A
/// sweep passes through the stages like a microbatch, forward and, where the objective has a
/// gradient, backward, whenever its worker has nothing better to do. The rows of /objective are
/// written where the sweep ends: at stage 0 with a gradient, at the last stage without. Held-out
/// rows are swept after the trained ones, forward only; the last stage writes the rows of
/// /validation.
///
/// With several pipelines the mean of their copies is evaluated: a cut counts once the other
/// pipelines' sum has come (PinChain).
///
/// A message of a sweep: the block's own payload, and as notes the scores so far (value, correct,
/// gradient_sq, block updates, wall time; one group a version).
template <class T>
class StageEvaluation {
 public:
  /// Of pipeline 0. `place`: among the stages that this rank hosts.
  StageEvaluation(int place, int stage, int stages, int pipelines, nn::Block<T>& block,
                  StageLinks const& links, Recorder& recorder);

  /// Bytes of the sweep messages: payloads above and below a block, and notes.
  static std::size_t bytes_above(nn::Block<T> const& block);
  static std::size_t bytes_below(nn::Block<T> const& block);
  static std::size_t bytes_of_scores(nn::Block<T> const& block);

  void pin(Cut const& cut, std::span<T const> weights, std::int64_t version);
  /// So many cuts have been pinned by every stage, by the plan: a batch is swept only then, so that
  /// at a cut of the plan a batch is swept everywhere or nowhere.
  void reach(std::int64_t cuts) { reached_ = cuts; }
  /// No more cuts will come: a batch that is not full is swept as it is.
  void close();
  /// Does one sweep if its input is there; false when there is nothing to do now.
  bool progress();
  /// Batches that may be swept and are not yet swept to their end.
  std::int64_t pending() const;
  /// Whether all that may be swept is swept, and every cut has its copies of all pipelines.
  bool settled() const;
  /// Begins no more sweeps, at stage 0: they are not to be waited for.
  void pause() { paused_ = true; }
  /// Sweeps of rows that have gone through this stage, since the run began.
  std::int64_t swept() const {
    return forward_batch_ * (row_sweeps_ + held_out_row_sweeps_) + forward_row_sweep_;
  }
  /// Whether so many have, and back where they come back, and every cut has its copies of all
  /// pipelines: where that is so at every stage nothing of an evaluation is on its way.
  bool has_swept(std::int64_t sweeps) const;
  /// While nothing is on its way: the cuts that are not swept to their end, and how far they are.
  void state(Archive& archive);
  /// Cuts that have been pinned, and sweeps of rows that each takes.
  std::int64_t pinned() const { return pinned_; }
  double sweeps_a_cut() const {
    return static_cast<double>(row_sweeps_ + held_out_row_sweeps_) /
           static_cast<double>(plan_.versions_per_sweep);
  }
  std::int64_t rows_a_sweep() const { return std::min(plan_.rows, plan_.rows_per_sweep); }
  /// Sweeps of rows that may be done here now.
  std::int64_t sweeps_left() const;
  /// Cuts in batches that have been complete here.
  std::int64_t complete_cuts() const { return complete_cuts_; }
  std::int64_t bytes() const;

 private:
  struct Score {
    double value;
    double correct;
    double gradient_sq;
    double block_updates;
    double wall_ns;
  };
  struct Batch {
    compute::Buffer<T> weights = {};  // of its cuts, one after the other
    std::vector<Cut> cuts;
    std::vector<std::int64_t> versions;
    std::vector<Score> totals;    // where the sweeps end: over all row sweeps
    std::vector<Score> held_out;  // at the last stage
    std::size_t whole_cuts = 0;   // whose copies of all pipelines are in
    bool closed = false;
  };

  bool is_whole() const;
  void totals_state(Archive& archive);
  static nn::Sweep largest_sweep(nn::Block<T> const& block);
  Batch& open_batch();
  bool may_sweep(std::int64_t batch) const;
  nn::Sweep sweep_of(Batch const& batch, std::int64_t row_sweep) const;
  void add_totals(std::vector<Score>& totals) const;
  static ObjectiveRow row_of(Cut const& cut, Score const& total, std::int64_t rows);
  bool add_other_pipelines();
  bool forward();
  bool backward();
  void sweep_forward(Batch& batch, nn::Sweep sweep);
  void begin_scores(Batch const& batch, comm::Message const& input);
  void add_scores(Batch& batch);
  void finish(Batch& batch);
  void finish_held_out(Batch& batch);
  void recycle();
  void make_room(Batch& batch, std::int64_t cuts);
  std::span<T> weights_of(Batch& batch);
  static std::span<T> payload_in(comm::Message& message, std::int64_t elements);
  bool is_last() const { return stage_ + 1 == stages_; }

  int place_;
  int stage_;
  int stages_;
  int pipelines_;
  nn::Block<T>& block_;
  StageLinks links_;
  Recorder& recorder_;
  nn::SweepPlan plan_;
  std::int64_t row_sweeps_;           // of the trained rows
  std::int64_t held_out_row_sweeps_;  // after those
  IndexedRing<Batch> batches_;        // numbered over the whole run
  std::vector<Batch> free_;
  std::vector<nn::Score> share_;  // this stage's, of the sweep at hand
  std::vector<Score> scores_;     // running, of the sweep at hand
  std::int64_t reached_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t pinned_ = 0;
  std::int64_t complete_cuts_ = 0;
  std::int64_t whole_batch_ = 0;    // next whose cuts become whole
  std::int64_t forward_batch_ = 0;  // next to sweep forward
  std::int64_t forward_row_sweep_ = 0;
  std::int64_t backward_batch_ = 0;
  bool paused_ = false;
};

}  // namespace quartic::engine
