#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "quartic/plan/action.hpp"

/// The pure answers of a method: counts, arrivals and tags in; an action, a version or coefficients
/// out. No rule sees weights, losses, a clock or MPI, so the planner can ask it for every stage
/// ahead of the run.
namespace quartic::plan {

/// One stage as its worker knows it: how much is done, and how many inputs have arrived in all.
struct StageView {
  int stage = 0;
  std::int64_t forwards = 0;
  std::int64_t backwards = 0;         ///< B, or I where the backward is split
  std::int64_t weight_backwards = 0;  ///< B, or W where the backward is split
  std::int64_t updates = 0;
  std::int64_t forward_ready = 0;
  std::int64_t backward_ready = 0;
};

/// What a worker knows when it chooses: its own stages and nothing else.
struct WorkerView {
  int worker = 0;
  int workers = 1;
  int stages = 1;
  std::int64_t microbatches = 0;
  std::int64_t actions_done = 0;
  std::span<StageView const> hosted;
};

/// The weights that a pass computes with, as a linear combination:
///   read·w_read + live·w_live + step·d + mean·u
/// w_read is the version read and w_live the live version. d is the optimizer's next step as its
/// state predicts it (nn::Optimizer::direction), u the mean update (VersionRule::mean_decay).
/// A single version with coefficient 1 is read in place, without arithmetic.
struct Bend {
  double read = 1;
  double live = 0;
  double step = 0;
  double mean = 0;

  friend bool operator==(Bend const&, Bend const&) = default;
  /// Whether the pass reads one version as it is: w_read or w_live.
  bool is_plain() const { return step == 0 && mean == 0 && (reads_only() || lives_only()); }
  bool reads_only() const { return read == 1 && live == 0; }
  bool lives_only() const { return read == 0 && live == 1; }
};

/// What a pass reads.
struct Read {
  int replica = 0;  ///< filled in by whoever asks
  std::int64_t version = 0;
  std::int64_t recorded = -1;  ///< the version that the trace names; -1: `version`
  std::int64_t delay = 0;  ///< block updates since the version was the newest, where chosen (rpd)
  Bend bend = {};
  /// At least 0: passes of this kind (forward or backward) that name the same number compute with
  /// the weights that the first of them bent, until a pass names another number.
  std::int64_t kept = -1;

  std::int64_t recorded_version() const { return recorded >= 0 ? recorded : version; }
};

/// Versions that travel with a microbatch, forward and backward.
struct Tags {
  std::int64_t forward = 0;   ///< stage 0's live version at F(0, microbatch)
  std::int64_t backward = 0;  ///< given when its minibatch's backward starts at the last stage
};

/// What only the planner knows: the state of all stages at the moment that an action starts.
class GlobalView {
 public:
  virtual ~GlobalView() = default;
  /// Updates that have ended at every stage by now.
  virtual std::int64_t committed() const = 0;
  /// The stage's version after the first `block_updates` block updates of all stages.
  virtual std::int64_t version_at(int stage, std::int64_t block_updates) const = 0;
};

/// A pass about to start, as its stage knows it.
struct PassView {
  StageView const& at;
  std::int64_t microbatch = 0;
  Tags tags;
  Read forward_read;                   ///< what F of this microbatch read here (for a backward)
  GlobalView const* global = nullptr;  ///< null on arrival
};

/// The order of work.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// The next action of this worker. A greedy order answers `wait` when nothing is ready; a fixed
  /// order names its next action and the worker waits for the input.
  virtual Action next(WorkerView const& view) const = 0;
  /// How many microbatches the stage may hold between F and B.
  virtual std::int64_t activations(int stage) const = 0;
  /// How many microbatches may be in the pipeline at all: the next enters when one has ended.
  virtual std::int64_t largest_in_pipeline() const {
    return std::numeric_limits<std::int64_t>::max();
  }
  /// The only stage that this microbatch updates, where its backward stops; -1: all are updated.
  virtual int sampled_stage(std::int64_t microbatch) const {
    static_cast<void>(microbatch);
    return -1;
  }
  /// The microbatch of the data (cyclic) that this microbatch of the run works on.
  virtual std::int64_t data_index(std::int64_t microbatch) const { return microbatch; }
};

/// Which version of the weights a pass reads.
class VersionRule {
 public:
  virtual ~VersionRule() = default;
  virtual Read forward(PassView const& pass) const = 0;
  virtual Read backward(PassView const& pass) const = 0;
  /// Whether the forward's version is kept until the backward of the same microbatch.
  virtual bool stashes() const = 0;
  /// The oldest version that a pass to come may read at this stage after `last`, whose `tags` are
  /// the least that the next forward and the next backward may carry: what the weight store keeps
  /// besides the live version and the stashes.
  virtual std::int64_t oldest_needed(PassView const& last) const { return last.at.updates; }
  /// Whether its bends name the optimizer's next step: then the optimizer must be able to tell it.
  virtual bool predicts() const { return false; }
  /// The decay β of the stage's mean update, u ← β·u + (1−β)·(w_new − w_old) after every update,
  /// for rules whose bends name it. Negative: the stage keeps no mean update.
  virtual double mean_decay(int stage) const {
    static_cast<void>(stage);
    return -1;
  }
  /// The backward tag of a minibatch whose backward starts now at the last stage.
  virtual std::int64_t backward_tag(PassView const& pass) const {
    static_cast<void>(pass);
    return 0;
  }
  /// Whether the rule asks the GlobalView: then only a plan can be run, not an order on arrival.
  virtual bool needs_global_view() const { return false; }
};

/// An update about to be applied, as the planner knows it.
struct UpdateView {
  int stage = 0;
  std::int64_t version = 0;  ///< the live one: the update makes version + 1
  std::int64_t minibatch = 0;
  std::int64_t staleness_max = 0;   ///< the largest of its microbatches
  std::int64_t delay_own_max = -1;  ///< the largest own delay, in block updates; -1 on arrival
};

/// What the gradients and updates of a stage go through besides its optimizer, all the run.
struct Correction {
  /// λ: each microbatch's gradient g becomes g + λ·g⊙g⊙(w_live − w_read), w_read the weights of its
  /// forward. Needs a rule that stashes. 0: off.
  double compensation = 0;
  /// Replaces the optimizer's momentum, which is beta1 in the Adam family; negative: the
  /// optimizer's.
  double momentum = -1;
};

/// When the accumulated gradient is applied, and how.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  virtual bool applies_after(int stage, std::int64_t microbatch) const = 0;
  /// The minibatch (update of its replica) that the microbatch's gradient belongs to.
  virtual std::int64_t minibatch(std::int64_t microbatch) const = 0;
  /// Whether, after this microbatch's update, the stage averages its replicas.
  virtual bool averages_after(std::int64_t microbatch) const {
    static_cast<void>(microbatch);
    return false;
  }
  /// The factor on the learning rate of an update.
  virtual double rate(UpdateView const& update) const {
    static_cast<void>(update);
    return 1;
  }
  /// Whether those factors depend on how long the run is.
  virtual bool rates_depend_on_length() const { return false; }
  /// Whether they depend on delays: then only a plan can be run, not an order on arrival.
  virtual bool needs_delays() const { return false; }
  virtual Correction correction(int stage) const {
    static_cast<void>(stage);
    return {};
  }
};

/// What a method is built for.
struct Shape {
  int stages = 1;
  std::int64_t microbatches = 1;
  std::int64_t accumulate = 1;  ///< microbatches an update
  std::int64_t epoch = 1;       ///< microbatches in one pass over the data
  std::uint64_t seed = 0;
};

/// A method's answers for one shape.
struct Rules {
  Shape shape = {};
  int workers = 1;
  std::unique_ptr<Schedule const> schedule = {};
  std::unique_ptr<VersionRule const> versions = {};
  std::unique_ptr<UpdateRule const> updates = {};
  std::int64_t period = 1;  ///< microbatches after which the order repeats
  int replicas = 1;         ///< copies of the model in one pipeline; j belongs to j mod replicas
  std::vector<int> owner = {};  ///< by stage: its worker; empty: s mod workers

  int worker_of(int stage) const {
    return owner.empty() ? stage % workers : owner[static_cast<std::size_t>(stage)];
  }
  int replica_of(std::int64_t microbatch) const { return static_cast<int>(microbatch % replicas); }
  /// Whether a microbatch updates one sampled stage, not all.
  bool updates_one_stage() const { return schedule->sampled_stage(0) >= 0; }
  /// Whether the workers can act only on a plan, not on what has arrived.
  bool need_plan() const { return versions->needs_global_view() || updates->needs_delays(); }
};

}  // namespace quartic::plan
