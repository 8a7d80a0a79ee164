#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/comm/alarm.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/comm/shared_clock.hpp"
#include "quartic/core/check.hpp"
#include "quartic/engine/averaging.hpp"
#include "quartic/engine/bulletin.hpp"
#include "quartic/engine/evaluations.hpp"
#include "quartic/engine/hosting.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/engine/settings.hpp"
#include "quartic/engine/stage.hpp"
#include "quartic/engine/waiting.hpp"

namespace quartic::engine {

/// What one rank has of a run: its stages, their messages, averages, evaluations and records. It
/// knows how to carry out a decision; which comes next is the order's matter (Replay, Arrival).
/// Stages are named by their index among those of the rank: by pipeline, then stage.
template <class T>
class Rank final : public nn::Pulse {
 public:
  /// Collective. `hosted` are the blocks of this rank's seats, in the order of Hosting::seats().
  /// `rules` and `sink` must outlive this. The clock starts at `start_ns`.
  Rank(comm::Communicator& communicator, plan::Rules const& rules, RunSettings const& settings,
       std::vector<std::unique_ptr<nn::Block<T>>> hosted, RecordSink& sink, std::int64_t start_ns);
  Rank(Rank const&) = delete;  // its stages refer to it
  Rank& operator=(Rank const&) = delete;

  comm::Communicator& communicator() const { return communicator_; }
  comm::SharedClock const& clock() const { return clock_; }
  Hosting const& hosting() const { return hosting_; }
  Recorder& recorder() { return recorder_; }
  Evaluations<T>& evaluations() { return evaluations_; }
  Waiting& waiting() { return waiting_; }
  Waiting const& waiting() const { return waiting_; }
  int stages() const { return static_cast<int>(stages_.size()); }
  Stage<T>& stage(int local_stage) { return *stages_[static_cast<std::size_t>(local_stage)]; }
  Stage<T> const& stage(int local_stage) const {
    return *stages_[static_cast<std::size_t>(local_stage)];
  }

  /// Before training: other start weights than the block's own.
  void start_from(int local_stage, std::span<T const> weights);
  /// Runs an action, microbatch by microbatch. `waited_ns`: how long its worker has waited so far.
  void run(Stage<T>& stage, plan::Decision const& decision, std::int64_t waited_ns);
  /// After an update, on every rank: averages the stage's copies in other pipelines and its
  /// replicas, where either is due.
  void average(plan::Decision const& decision);
  /// The stage has come to a snapshot at which the objective is evaluated.
  void pin(int local_stage, double plan_time);
  /// Stage 0 of pipeline 0 has trained so many microbatches.
  void trained(std::int64_t microbatches);
  /// Tells the watcher how far the run is.
  void show();
  /// After the last evaluation: until everything has left this rank and is recorded.
  void close();

  /// Makes progress with messages. Divergence when another rank has diverged.
  void beat() override;
  /// Tells the other ranks of a divergence on this one.
  void report(Divergence const& divergence);
  /// Whether it was another rank that diverged.
  bool diverged_elsewhere() const { return diverged_elsewhere_; }

  MemoryRow memory() const;
  /// The state of a stage and of what belongs to it, with the messages in transit to it.
  void state(int local_stage, Archive& archive, InTransit const& coming);

 private:
  bool work();
  std::int64_t await(Stage<T>& stage, plan::Action const& action);
  void average_pipelines(plan::Decision const& decision, Averaging<T>& averaging);
  Averaging<T>& averaging(int stage) { return averagings_[static_cast<std::size_t>(stage)]; }

  comm::Communicator& communicator_;
  plan::Rules const& rules_;
  RunSettings settings_;
  Hosting hosting_;
  comm::Alarm alarm_;
  bool diverged_elsewhere_ = false;
  comm::SharedClock clock_;
  Bulletin bulletin_;
  Recorder recorder_;
  std::unique_ptr<Links> links_;
  Evaluations<T> evaluations_;
  Waiting waiting_;
  std::vector<std::unique_ptr<Stage<T>>> stages_;
  std::vector<Averaging<T>> averagings_;  // by stage of the model
  std::vector<Stage<T>*> copies_;         // of a stage, while they are averaged
  std::int64_t trained_ = 0;              // microbatches, at stage 0
};

}  // namespace quartic::engine
