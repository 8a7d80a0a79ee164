#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "quartic/comm/agreement.hpp"
#include "quartic/comm/alarm.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/comm/shared_clock.hpp"
#include "quartic/engine/averaging.hpp"
#include "quartic/engine/bulletin.hpp"
#include "quartic/engine/checkpoint.hpp"
#include "quartic/engine/evaluation.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/pin_chain.hpp"
#include "quartic/engine/plan_walk.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/engine/report.hpp"
#include "quartic/engine/rounds.hpp"
#include "quartic/engine/stage.hpp"
#include "quartic/engine/watchdog.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/peaks.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

enum class Order { plan, arrival };

/// How a run ended: all of it is done, or it was told to stop and has left a checkpoint.
enum class Ending { done, stopped };

struct RunSettings {
  StageSettings stage;
  AveragingSettings averaging;
  CutSettings cuts;
  CheckpointSettings checkpoints;
  std::vector<plan::StagePeak> peaks;  ///< by stage, to reserve for; empty: as it comes
  MemoryRow planned;                   ///< its planned columns
  Order order = Order::plan;
  Journey journey = Journey::staged;  ///< of payloads to another rank, where stages are on a device
  std::int64_t patience_ns = 0;  ///< that a rank waits for another before the run fails; 0: any
  std::int64_t trace_every = 1;
  Watcher* watcher = nullptr;  ///< rank 0's, which must outlive the run; nullptr: none
};

/// One rank's part of a training run: its stages, their messages and records. Under Order::plan it
/// replays the plan; every rank plans for all stages, so no rank waits to be told. Under
/// Order::arrival its workers ask the schedule themselves, with what has arrived.
template <class T>
class Run final : public nn::Pulse, private PlanWalk::Visitor {
 public:
  /// Collective. `hosted` are the blocks of this rank's seats, in the order of
  /// Hosting::seats(). `rules`, `cost`, `sink` and `checkpoints` must outlive the run; without
  /// `checkpoints`, and on arrival, none are made. `resumed`, where there is one, has reached the
  /// checkpoint of theirs that the run goes on from.
  Run(comm::Communicator& communicator, plan::Rules const& rules, plan::Cost const& cost,
      RunSettings const& settings, std::vector<std::unique_ptr<nn::Block<T>>> hosted,
      RecordSink& sink, CheckpointStore* checkpoints = nullptr,
      std::unique_ptr<PlanWalk> resumed = nullptr);
  ~Run() override;
  Run(Run const&) = delete;  // its stages refer to it
  Run& operator=(Run const&) = delete;

  /// Before execute(): other start weights than its block's own for the stage at `place`.
  void start_from(int place, std::span<T const> weights);
  /// Before execute(): the optimizer of the stage at `place` goes on from there.
  void continue_from(int place, OptimizerState<T> const& optimizer) {
    stage(place).weights().continue_from(optimizer);
  }
  /// The weights of the stage at `place` as they are evaluated, of replicas their mean. Valid until
  /// the next call.
  std::span<T const> model(int place) { return stage(place).weights().model(); }
  /// Its optimizer likewise.
  OptimizerState<T> optimizer(int place) { return stage(place).weights().optimizer(); }

  /// Collective. Trains. Throws Divergence, on every rank, when something is not finite that a
  /// stage makes (Stage::run); what was recorded until then has reached the sink.
  Ending execute();
  /// Whether it was a stage of another rank.
  bool diverged_elsewhere() const { return alarmed_; }

  MemoryRow memory() const;
  /// Collective; after execute().
  RunReport report() const;

  void beat() override;

 private:
  struct ArrivalWorker {
    int worker = 0;
    std::vector<int> places = {};  // of its stages
    std::vector<plan::StageView> views = {};
    std::vector<plan::Tags> last_tags = {};
    std::int64_t actions_done = 0;
    std::int64_t idle_before_ns = 0;  // of this rank, until this worker's last action
    bool done = false;
  };

  Stage<T>& stage(int place) { return *stages_[static_cast<std::size_t>(place)]; }
  Ending replay();
  void cut(int stage, double time) override;
  void stale_read(int stage, StaleReadCut const& cut) override;
  void forks() override;
  void action(plan::Decision const& planned, std::span<plan::PlannedStep const> applied) override;
  void run_passes(Stage<T>& stage, plan::Decision const& decision, std::int64_t waited_ns);
  void average(plan::Decision const& planned);
  void pass_whole_cuts_on();
  bool checkpoint_when_due(bool updates);
  Rounds::Proposal end_round();
  void begin_round(bool due);
  bool stopped_while_it_evaluates();
  void save(bool stops);
  void interrupt_evaluations();
  void commit_when_written(std::int64_t written);
  void commit_now();
  void meet();
  bool has_received();
  bool settled();
  void restore();
  void state(int place, Archive& archive);
  std::vector<ArrivalWorker> arrival_workers() const;
  void act_on_arrival();
  bool act(ArrivalWorker& worker, std::int64_t idle_ns);
  void act(ArrivalWorker& worker, plan::Action const& action, std::int64_t waited_ns);
  plan::Decision decide(ArrivalWorker& worker, plan::Action const& action);
  void pin_arrival_cut(Stage<T>& stage);

  std::int64_t await(Stage<T>& stage, plan::Action action);
  /// For what no single rank sends.
  template <class Done>
  void wait_until(Done done) {
    if (done()) return;
    std::int64_t const begin_ns = clock_.now_ns();
    while (!done()) idle({}, begin_ns);
    watchdog_.goes_on();
    idle_polls_ = 0;
  }
  void idle(Wait const& wait, std::int64_t since_ns);
  void give_way();
  void pin(int place, double plan_time);
  bool evaluate();
  void show();
  bool evaluation_pending() const;
  void evaluate_what_is_overdue();
  Ending finish();

  comm::Communicator& communicator_;
  plan::Rules const& rules_;
  plan::Cost const& cost_;
  RunSettings settings_;
  Hosting hosting_;
  std::vector<plan::Action> planned_;  // by rank: the last
  comm::Alarm alarm_;
  bool alarmed_ = false;  // by another rank
  comm::SharedClock clock_;
  Bulletin bulletin_;
  Recorder recorder_;
  std::unique_ptr<Links> links_;
  // By place: of each stage that this rank hosts, by pipeline, then stage.
  std::vector<std::unique_ptr<Stage<T>>> stages_;
  std::vector<StageEvaluation<T>> evaluations_;  // of pipeline 0's, which come first
  std::vector<PinChain<T>> pin_chains_;          // of the others'
  std::vector<Averaging<T>> averagings_;         // by stage
  std::vector<Stage<T>*> copies_;                // of a stage, while they are averaged
  plan::Decider decider_;                        // on arrival
  std::unique_ptr<PlanWalk> walk_;
  std::int64_t passed_on_ = -1;  // of its cuts, to the evaluations
  CheckpointStore* checkpoints_;
  Rounds rounds_;
  comm::Agreement meeting_;  // whether every rank is there
  Watchdog watchdog_;
  std::optional<Checkpoint> saved_;  // last, and not committed
  std::int64_t last_saved_ = -1;     // its position, or that of the one that was resumed
  std::int64_t last_checkpoint_ns_ = 0;
  CheckpointTotals checkpoint_totals_;
  std::int64_t trained_ = 0;        // microbatches, at stage 0
  std::int64_t evaluating_ns_ = 0;  // where somebody watches
  bool oversubscribed_;
  int idle_polls_ = 0;             // in a row
  std::int64_t wall_ns_ = 0;       // when all is trained
  std::int64_t evaluated_ns_ = 0;  // and evaluated
};

}  // namespace quartic::engine
