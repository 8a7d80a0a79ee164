#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/comm/shared_clock.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/arena.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/read_copies.hpp"
#include "quartic/engine/recorder.hpp"
#include "quartic/engine/stage_weights.hpp"
#include "quartic/engine/stale_read_cuts.hpp"
#include "quartic/engine/transit.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/peaks.hpp"
#include "quartic/plan/planner.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// What every stage of a run shares.
struct StageSettings {
  int stages = 1;
  std::int64_t microbatches = 1;
  std::int64_t microbatch_size = 1;
  std::int64_t microbatches_an_epoch = 1;  ///< data is read in order, cyclically
  double gradient_scale = 1;               ///< 1/M, already in the gradients; scales the noise
  double gradient_noise = 0;
  nn::LearningRate learning_rate;
  std::uint64_t seed = 0;
  int pipelines = 1;
  std::int64_t displacement_every = 0;  ///< 0: never
  std::int64_t stale_read_every = 0;    ///< likewise; of the first pipeline
  bool events = false;
};

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

/// One pass of one microbatch as a worker starts it. An action for a whole minibatch comes as that
/// many pieces, whose messages leave with the last.
struct Pass {
  plan::Action action;  ///< with count 1
  int piece = 0;
  int pieces = 1;
  plan::Read read;
  bool updates = false;
  bool ends = false;  ///< the stage holds the microbatch no longer
  bool sends = true;  ///< a backward: its input gradient goes to the stage below
  plan::Tags tags;
  std::int64_t oldest_needed = 0;  ///< versions below, unless held, are given up with this pass
  double plan_begin = undefined;
  double plan_end = undefined;
  std::int64_t minibatch = 0;
  std::int64_t data_index = 0;  ///< which microbatch of the data, in this pipeline
  double rate = 1;              ///< factor on the learning rate of its update
  std::int64_t wait_ns = 0;     ///< that the worker has been blocked for this pass's message

  bool is_last_piece() const { return piece + 1 == pieces; }
};

/// One stage at work: takes its input from its links, computes, sends its output on, and keeps the
/// versions, the microbatches in flight and their rows. Allocates nothing once the pipeline is
/// full; what microbatches leave for their backward lies in one block from the start.
template <class T>
class Stage {
 public:
  /// `place`: among the stages that this rank hosts. `peak` is what the plan has it hold at most.
  /// `rules` is needed now only.
  Stage(Seat seat, int place, std::unique_ptr<nn::Block<T>> block, plan::Rules const& rules,
        plan::StagePeak const& peak, nn::OptimizerSpec const& optimizer, StageLinks const& links,
        StageSettings const& settings, comm::SharedClock const& clock, Recorder& recorder,
        nn::Pulse& pulse);

  Seat seat() const { return seat_; }
  StageLinks const& links() const { return links_; }
  /// Counts as the rules see them; arrivals are one ahead at most.
  plan::StageView view();
  /// Whether the input of an action has arrived; never blocks.
  bool ready(plan::Kind kind);

  /// Runs one pass, whose input must have arrived. Divergence where something is not finite that
  /// it makes: activations, loss, input gradient, or with an update the gradient and the weights,
  /// statistics and moments after it.
  void run(Pass const& pass);
  /// After an update that ends a round, with this microbatch: every replica goes on from the mean
  /// of all. Divergence where that is not finite.
  void average_replicas(std::int64_t microbatch);
  /// Divergence where the replica's weights, averaged after this microbatch, are not finite: sums
  /// and outer steps can overflow though every summand is finite.
  void require_finite_average(int replica, std::int64_t microbatch) const;
  /// At a cut, before any update that ends after it: records this stage's part of the sample,
  /// unless it has done so.
  void sample_stale_read(StaleReadCut const& cut);
  /// Whether what is in transit has arrived, though it has not been received; never blocks.
  bool received(InTransit const& coming);
  /// Between two actions, with what is in transit to it then.
  void state(Archive& archive, InTransit const& coming);
  /// After a pass that updates: completes the rows with the plan's columns (empty on arrival).
  void record_steps(std::span<plan::PlannedStep const> planned);

  nn::Block<T>& block() { return *block_; }
  /// The tags of the next microbatch to be forwarded here, whose input must have arrived.
  plan::Tags next_tags() const;
  plan::Tags tags(std::int64_t microbatch) const { return in_flight_[microbatch].tags; }
  plan::Read forward_read(std::int64_t microbatch) const { return in_flight_[microbatch].read; }
  /// The update after the backward of `microbatch` to `last`, without a plan's counts.
  plan::UpdateView update_view(std::int64_t microbatch, std::int64_t last) const;
  StageWeights<T>& weights() { return weights_; }
  StageWeights<T> const& weights() const { return weights_; }
  /// The parts of the weights that are trained.
  std::span<Part const> trained() const { return trained_; }
  StageTotals const& totals() const { return totals_; }
  void waited_ns(plan::Kind kind, std::int64_t duration);
  /// Bytes of what was kept for microbatches in flight at most, their inputs included; of these.
  std::int64_t peak_activation_bytes() const;
  std::int64_t peak_input_bytes() const;
  /// Of gradients, optimizer state, and what a backward leaves between its halves.
  std::int64_t buffer_bytes() const;
  /// Of the copies that distances in the trace need.
  std::int64_t read_copy_bytes() const { return read_copies_.bytes(); }

 private:
  struct InFlight {
    comm::Message input;
    std::span<T> saved;
    std::span<T> flow;
    comm::Message output_gradient;
    compute::Buffer<T> displacement_origin;  // empty unless this microbatch is sampled
    plan::Tags tags;
    plan::Read read;
    std::int64_t data_index = 0;
    bool is_whole = false;  // its weight half came with the input half
    StepRow row;
  };
  struct Applied {  // waits for its update
    StepRow row;
    compute::Buffer<T> displacement_origin;
  };
  struct SampledRead {  // waits for its cut
    std::int64_t microbatch = -1;
    int replica = 0;
    compute::Buffer<T> copy;
  };

  nn::Batch batch(std::int64_t microbatch, std::int64_t data_index) const;
  void forward(Pass const& pass);
  void keep(InFlight& slot, Pass const& pass, std::span<T const> weights);
  void keep_stale_read(Pass const& pass, std::span<T const> weights);
  void backward(Pass const& pass);
  void backward_input(Pass const& pass);
  void send_gradients();
  void backward_weight(Pass const& pass);
  void give_back(InFlight& slot);
  void update(Pass const& pass, std::int64_t begin_ns);
  void complete(Applied& applied, std::int64_t version, double gradient_sq, double learning_rate);
  void add_noise(std::int64_t microbatch);
  void in_flight_state(Archive& archive);
  void halves_state(Archive& archive, std::vector<InFlight*> const& slots);
  template <class Holder>
  void origins_state(Archive& archive, std::vector<Holder*> holders);
  void applied_state(Archive& archive);
  void sampled_reads_state(Archive& archive);
  void totals_state(Archive& archive);
  void expect(comm::Message const& message, std::int64_t microbatch) const;
  void require_finite(comm::Message const& message, std::int64_t microbatch,
                      char const* what) const;
  void require_finite(double value, std::int64_t microbatch, char const* what) const;
  [[noreturn]] void diverged(std::int64_t microbatch, char const* what) const;
  void event(Pass const& pass, char action, std::int64_t begin_ns, std::int64_t end_ns);
  bool is_last() const { return seat_.stage + 1 == settings_.stages; }

  Seat seat_;
  int place_;
  std::unique_ptr<nn::Block<T>> block_;
  StageLinks links_;
  StageSettings settings_;
  comm::SharedClock const& clock_;
  Recorder& recorder_;
  nn::Pulse& pulse_;

  nn::Sizes sizes_;
  Arena<T> arena_;
  std::vector<Part> trained_;  // of the block: noise and distances leave its statistics out
  ReadCopies<T> read_copies_;
  StageWeights<T> weights_;
  compute::Buffer<T> noise_;
  std::vector<T> drawn_;  // on its way there
  IndexedRing<InFlight> in_flight_;
  std::vector<Applied> applied_;
  IndexedRing<SampledRead> sampled_reads_;
  std::vector<comm::Message> held_back_;  // gradients of a whole minibatch, until its last piece
  std::int64_t action_begin_ns_ = 0;      // of the first piece
  std::int32_t action_activations_ = 0;
  std::int32_t action_copies_ = 0;
  std::int64_t forwards_ = 0;
  std::int64_t backwards_ = 0;
  std::int64_t weight_backwards_ = 0;
  StageTotals totals_;
};

}  // namespace quartic::engine
