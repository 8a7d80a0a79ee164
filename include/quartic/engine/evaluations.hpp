#pragma once

#include <cstdint>
#include <vector>

#include "quartic/comm/shared_clock.hpp"
#include "quartic/engine/evaluation.hpp"
#include "quartic/engine/pin_chain.hpp"
#include "quartic/engine/snapshots.hpp"
#include "quartic/engine/stage.hpp"
#include "quartic/engine/waiting.hpp"

namespace quartic::engine {

/// What one rank does to evaluate the objective: the stages of pipeline 0 evaluate, those of the
/// other pipelines hand down their copies. Stages are named by their index among those of the rank,
/// where pipeline 0's come first.
template <class T>
class Evaluations {
 public:
  /// `clock` must outlive this. `is_timed`: whether the time that it takes is asked for.
  Evaluations(comm::SharedClock const& clock, bool is_timed) : clock_(clock), is_timed_(is_timed) {}

  /// The rank's next stage. `stage` and `recorder` must outlive this.
  void add(Stage<T>& stage, int stages, int pipelines, Recorder& recorder);

  /// The stage has come to a cut at `plan_time`: keeps its weights.
  void pin(int local_stage, double plan_time, StageWeights<T>& weights);
  /// By the plan, every stage has come to so many cuts.
  void reach(std::int64_t cuts);
  /// No more cuts will come.
  void close();
  /// Does what can be done now; false where there is nothing.
  bool progress();
  /// Waits while more cuts are complete than may be ahead of their evaluation.
  void catch_up(Waiting& waiting);

  bool pending() const;
  /// Whether all that may be evaluated is, and every cut has its copies of all pipelines.
  bool settled() const;
  /// Begins no more passes; how many stage 0 has begun, -1 on other ranks.
  std::int64_t pause();
  /// After pause(): whether this rank has done so many passes, and handed its copies down.
  bool has_done(std::int64_t passes) const;

  /// Adds to a report of how far the run is, on the rank of stage 0.
  void describe(Standing& standing) const;
  std::int64_t bytes() const;
  /// The state of a stage of pipeline 0.
  void state(int local_stage, Archive& archive);
  /// Restarts a stage of another pipeline that has handed down so many copies.
  void restart_after(int local_stage, std::int64_t cuts);

 private:
  std::size_t chain_of(int local_stage) const {
    return static_cast<std::size_t>(local_stage) - stages_.size();
  }

  comm::SharedClock const& clock_;
  bool is_timed_;
  std::vector<StageEvaluation<T>> stages_;  // of pipeline 0
  std::vector<PinChain<T>> chains_;         // of the others
  std::int64_t reached_ = -1;
  std::int64_t evaluating_ns_ = 0;
};

}  // namespace quartic::engine
