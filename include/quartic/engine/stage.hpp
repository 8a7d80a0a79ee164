#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/comm/shared_clock.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/engine/in_flight.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/engine/settings.hpp"
#include "quartic/engine/stage_weights.hpp"
#include "quartic/engine/step_rows.hpp"
#include "quartic/engine/transit.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/plan/decision.hpp"
#include "quartic/plan/peaks.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// Which stage it is, and where it is.
struct StageSite {
  Seat seat;
  int local_stage = 0;  ///< index among the stages that this rank hosts
  StageLinks links;
  plan::StagePeak peak;  ///< the most that the plan has it hold
};

/// What the stages of a rank use together; all must outlive them.
struct RankServices {
  comm::SharedClock const& clock;
  Recorder& recorder;
  nn::Pulse& pulse;
};

/// One stage at work: takes its input from its links, computes, sends its output on, and updates
/// its weights. Allocates nothing once the pipeline is full.
template <class T>
class Stage {
 public:
  /// `rules` is needed now only.
  Stage(StageSite const& site, std::unique_ptr<nn::Block<T>> block, plan::Rules const& rules,
        StageSettings const& settings, RankServices const& services);
  Stage(Stage const&) = delete;  // its rows refer to it
  Stage& operator=(Stage const&) = delete;

  Seat seat() const { return seat_; }
  StageLinks const& links() const { return links_; }
  /// Counts as the rules see them; arrivals are one ahead at most.
  plan::StageView view();
  /// Whether the input of an action has arrived; never blocks.
  bool ready(plan::Kind kind);

  /// Runs the pass decision.passes[index], whose input must have arrived and was waited for
  /// `wait_ns`. The messages of an action of several microbatches leave with the last, and so does
  /// its update. Divergence where something is not finite that the pass makes: activations, loss,
  /// input gradient, or with an update the gradient and the weights, statistics and moments after
  /// it.
  void run(plan::Decision const& decision, std::size_t index, std::int64_t wait_ns);
  /// After an update that ends a round, with this microbatch: replaces the weights of every replica
  /// by their mean. Divergence where the mean is not finite.
  void average_replicas(std::int64_t microbatch);
  /// Divergence where the replica's weights, averaged after this microbatch, are not finite: sums
  /// and outer steps can overflow though every summand is finite.
  void require_finite_average(int replica, std::int64_t microbatch) const;
  /// Whether what is in transit has arrived, though it has not been received; never blocks.
  bool received(InTransit const& coming);
  /// Between two actions, with what is in transit to it then.
  void state(Archive& archive, InTransit const& coming);

  nn::Block<T>& block() { return *block_; }
  /// The tags of the next microbatch to be forwarded here, whose input must have arrived.
  plan::Tags next_tags() const;
  Held<T> const& held(std::int64_t microbatch) const { return in_flight_[microbatch]; }
  /// The update after the backward of `first` to `last`, without a plan's counts.
  plan::UpdateView update_view(std::int64_t first, std::int64_t last) const;
  StageWeights<T>& weights() { return weights_; }
  StageWeights<T> const& weights() const { return weights_; }
  StepRows<T>& rows() { return rows_; }
  StepRows<T> const& rows() const { return rows_; }
  /// The parts of the weights that are trained.
  std::span<Part const> trained() const { return trained_; }
  /// Bytes of what was kept for microbatches in flight at most, their inputs included; of these.
  std::int64_t peak_activation_bytes() const;
  std::int64_t peak_input_bytes() const;
  /// Bytes of gradients, optimizer state, and what a backward leaves between its halves.
  std::int64_t buffer_bytes() const;

 private:
  nn::Batch batch(plan::Pass const& pass) const;
  typename StepRows<T>::Counts counts() const { return {weights_.copies(), in_flight_.count()}; }
  void forward(plan::Decision const& decision, std::int64_t wait_ns);
  void backward(plan::Decision const& decision, std::size_t index, std::int64_t wait_ns);
  void backward_input(plan::Decision const& decision, std::size_t index, std::int64_t wait_ns);
  void send_gradients();
  void backward_weight(plan::Pass const& pass);
  void end(plan::Pass const& pass);
  void update(plan::Decision const& decision, std::int64_t begin_ns);
  void add_noise(std::int64_t microbatch);
  void in_flight_state(Archive& archive);
  void expect(comm::Message const& message, std::int64_t microbatch) const;
  void require_finite(comm::Message const& message, std::int64_t microbatch,
                      char const* what) const;
  void require_finite(double value, std::int64_t microbatch, char const* what) const;
  [[noreturn]] void diverged(std::int64_t microbatch, char const* what) const;
  bool is_last() const { return seat_.stage + 1 == settings_.stages; }

  Seat seat_;
  std::unique_ptr<nn::Block<T>> block_;
  StageLinks links_;
  StageSettings settings_;
  comm::SharedClock const& clock_;
  nn::Pulse& pulse_;

  std::vector<Part> trained_;  // of the block: noise and distances leave its statistics out
  InFlight<T> in_flight_;
  StageWeights<T> weights_;
  StepRows<T> rows_;
  compute::Buffer<T> noise_;
  std::vector<T> drawn_;                  // on its way there
  std::vector<comm::Message> held_back_;  // gradients of a whole minibatch, until its last pass
  std::int64_t forwards_ = 0;
  std::int64_t backwards_ = 0;
  std::int64_t weight_backwards_ = 0;
};

}  // namespace quartic::engine
