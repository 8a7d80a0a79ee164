#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/engine/checkpoints.hpp"
#include "quartic/engine/plan_walk.hpp"
#include "quartic/engine/rank.hpp"
#include "quartic/engine/replay.hpp"
#include "quartic/engine/report.hpp"
#include "quartic/engine/settings.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// What a run keeps to; both must outlive it.
struct Planned {
  plan::Rules const& rules;
  plan::Cost const& cost;
};

/// Where a run leaves its records and checkpoints, which must outlive it.
struct Outputs {
  RecordSink& sink;
  CheckpointStore* checkpoints = nullptr;  ///< without, and on arrival, none are made
};

/// One rank's part of a training run: by the plan (Replay) or on arrival (Arrival), then what is
/// left to evaluate.
template <class T>
class Run {
 public:
  /// Collective. `hosted` are the blocks of this rank's seats, in the order of Hosting::seats().
  /// `resumed`, where there is one, has reached the checkpoint that the run continues from.
  Run(comm::Communicator& communicator, Planned const& planned, RunSettings const& settings,
      std::vector<std::unique_ptr<nn::Block<T>>> hosted, Outputs const& outputs,
      std::unique_ptr<PlanWalk> resumed = nullptr);

  /// Before execute(): sets the start weights of a stage, by its index among the stages of this
  /// rank; and the state that its optimizer continues from.
  void start_from(int local_stage, std::span<T const> weights) {
    rank_.start_from(local_stage, weights);
  }
  void continue_from(int local_stage, OptimizerState<T> const& optimizer) {
    rank_.stage(local_stage).weights().continue_from(optimizer);
  }
  /// The weights of a stage as they are evaluated, of replicas their mean; and its optimizer. Valid
  /// until the next call.
  std::span<T const> model(int local_stage) { return rank_.stage(local_stage).weights().model(); }
  OptimizerState<T> optimizer(int local_stage) {
    return rank_.stage(local_stage).weights().optimizer();
  }

  /// Collective. Trains. Throws Divergence, on every rank, when something is not finite that a
  /// stage makes (Stage::run); what was recorded until then has reached the sink.
  Ending execute();
  /// Whether it was a stage of another rank.
  bool diverged_elsewhere() const { return rank_.diverged_elsewhere(); }

  MemoryRow memory() const { return rank_.memory(); }
  /// Collective; after execute().
  RunReport report() const;

 private:
  Ending train();
  Ending finish();

  plan::Rules const& rules_;
  RunSettings settings_;
  Rank<T> rank_;
  std::unique_ptr<PlanWalk> walk_;
  std::optional<Checkpoints<T>> checkpoints_;
  std::int64_t wall_ns_ = 0;       // when all is trained
  std::int64_t evaluated_ns_ = 0;  // when all is evaluated
};

}  // namespace quartic::engine
