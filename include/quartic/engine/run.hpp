#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "quartic/comm/alarm.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/comm/placement.hpp"
#include "quartic/comm/shared_clock.hpp"
#include "quartic/core/progress.hpp"
#include "quartic/engine/cuts.hpp"
#include "quartic/engine/evaluation.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/engine/report.hpp"
#include "quartic/engine/stage.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

enum class Order { plan, arrival };

struct RunSettings {
  StageSettings stage;
  nn::OptimizerSpec optimizer;
  CutSettings cuts;
  Order order = Order::plan;
  std::int64_t trace_every = 1;
  bool quiet = false;
};

/// One rank's part of a training run: its stages, their messages and records. Under Order::plan it
/// replays the plan; every rank plans for all stages, so no rank waits to be told. Under
/// Order::arrival its workers ask the schedule themselves, with what has arrived.
template <class T>
class Run final : public nn::Pulse {
 public:
  /// Collective. `hosted` are the blocks of this rank's stages, ascending. `rules`, `cost` and
  /// `sink` must outlive the run.
  Run(comm::Communicator& communicator, plan::Rules const& rules, plan::Cost const& cost,
      RunSettings const& settings, std::vector<std::unique_ptr<nn::Block<T>>> hosted,
      RecordSink& sink);
  ~Run() override;
  Run(Run const&) = delete;  // its stages refer to it
  Run& operator=(Run const&) = delete;

  /// Collective. Trains. Throws Divergence, on every rank, when a loss or gradient of any stage is
  /// not finite; what was recorded until then has reached the sink.
  void execute();

  Stage<T>& stage(int index) { return *stages_[static_cast<std::size_t>(index - first_stage_)]; }
  MemoryRow memory() const;
  /// Collective; after execute().
  RunReport report() const;

  void beat() override;

 private:
  struct ArrivalWorker {
    std::int64_t actions_done = 0;
    std::int64_t last_tag = 0;
    std::int64_t idle_before_ns = 0;  // of this rank, until this worker's last action
    bool done = false;
  };

  bool hosts(int stage) const;
  void replay();
  void replay(plan::PlannedAction const& planned, std::span<plan::PlannedStep const> applied);
  void pin_time_cuts(plan::PlannedAction const& planned);
  void pin_the_end(plan::Planner const& planner);
  void pin_all(double plan_time);
  void act_on_arrival();
  bool act(Stage<T>& stage, ArrivalWorker& worker, std::int64_t idle_ns);
  void pin_arrival_cut(Stage<T>& stage);

  std::int64_t await(Stage<T>& stage, plan::Kind kind);
  void give_way();
  void idle();
  void pin(Stage<T>& stage, double plan_time);
  bool evaluate();
  void evaluate_what_is_overdue();
  void finish();
  StageEvaluation<T>& evaluation(int stage) {
    return evaluations_[static_cast<std::size_t>(stage - first_stage_)];
  }
  TimeCuts& time_cuts(int stage) {
    return time_cuts_[static_cast<std::size_t>(stage - first_stage_)];
  }

  comm::Communicator& communicator_;
  plan::Rules const& rules_;
  plan::Cost const& cost_;
  RunSettings settings_;
  comm::Placement placement_;
  comm::Alarm alarm_;
  comm::SharedClock clock_;
  Recorder recorder_;
  int first_stage_;
  std::unique_ptr<Links> links_;
  std::vector<std::unique_ptr<Stage<T>>> stages_;
  std::vector<StageEvaluation<T>> evaluations_;
  std::vector<TimeCuts> time_cuts_;
  TimeCuts passed_by_all_;
  Progress progress_;
  bool oversubscribed_;
  int idle_polls_ = 0;  // in a row
  std::int64_t wall_ns_ = 0;
  double planned_bubble_ = undefined;
};

}  // namespace quartic::engine
