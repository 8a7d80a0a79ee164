#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "quartic/plan/action.hpp"

/// The pure answers of a method: counts, arrivals and tags in, an action or a version out. No
/// rule ever sees a float, a clock or MPI, so the planner can ask it for every stage ahead of the
/// run.
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

/// A version that a pass reads; `second` is the live one where two are blended.
struct Read {
  int replica = 0;
  std::int64_t version = 0;
  std::int64_t second = -1;
};

/// A pass about to start, as its stage knows it.
struct PassView {
  StageView const& at;
  std::int64_t microbatch = 0;
  std::int64_t tag =
      0;              ///< stage 0's live version at F(0, microbatch); travels with the microbatch
  Read forward_read;  ///< what F of this microbatch read here (for a backward)
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
};

/// Which version of the weights a pass reads.
class VersionRule {
 public:
  virtual ~VersionRule() = default;
  virtual Read forward(PassView const& pass) const = 0;
  virtual Read backward(PassView const& pass) const = 0;
  /// Whether the forward's version is kept until the backward of the same microbatch.
  virtual bool stashes() const = 0;
  /// The oldest version that a forward to come may read at this stage, `tag` being the tag of the
  /// last one so far: what the weight store keeps besides the live version and the stashes.
  virtual std::int64_t oldest_needed(StageView const& at, std::int64_t tag) const {
    static_cast<void>(tag);
    return at.updates;
  }
};

/// When the accumulated gradient is applied.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  virtual bool applies_after(int stage, std::int64_t microbatch) const = 0;
  /// The minibatch (update of its replica) that the microbatch's gradient belongs to.
  virtual std::int64_t minibatch(std::int64_t microbatch) const = 0;
};

/// What a method is built for.
struct Shape {
  int stages = 1;
  std::int64_t microbatches = 1;
  std::int64_t accumulate = 1;  ///< microbatches an update
};

/// A method's answers for one shape.
struct Rules {
  Shape shape = {};
  int workers = 1;
  std::unique_ptr<Schedule const> schedule = {};
  std::unique_ptr<VersionRule const> versions = {};
  std::unique_ptr<UpdateRule const> updates = {};
  std::int64_t period = 1;  ///< microbatches after which the order repeats

  /// The worker that owns a stage, and the stages of a worker (ascending).
  int worker_of(int stage) const { return stage % workers; }
};

}  // namespace quartic::plan
