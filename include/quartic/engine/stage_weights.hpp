#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/engine/bent_weights.hpp"
#include "quartic/engine/weight_store.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// A stage's optimizer between two steps, in the host's memory.
template <class T>
struct OptimizerState {
  std::vector<T> values;  ///< Optimizer::state()
  std::int64_t steps = 0;
};

/// All that a stage keeps of its weights: for every replica the versions, an optimizer and what its
/// passes bend; and the gradient of the minibatch at hand.
template <class T>
class StageWeights {
 public:
  /// `rules` is needed now only.
  StageWeights(nn::Block<T> const& block, plan::Rules const& rules, int stage,
               nn::OptimizerSpec const& optimizer, nn::LearningRate const& learning_rate,
               std::uint64_t seed);

  /// Before the first pass: other start weights than the block's own, for every replica; the
  /// host's.
  void start_from(std::span<T const> weights);

  /// Before the first pass: sets the state that every replica's optimizer continues from.
  void continue_from(OptimizerState<T> const& optimizer);

  /// What a forward computes with; kept for its backward, if the method stashes, by hold().
  std::span<T const> forward(plan::Read const& read) {
    return bent(BentWeights<T>::Pass::forward, read);
  }
  std::span<T const> backward(plan::Read const& read) {
    return bent(BentWeights<T>::Pass::backward, read);
  }
  void hold(plan::Read const& read);
  void release(int replica, std::int64_t version);
  /// Gives up versions of a replica below `oldest` that no pass holds.
  void keep_from(int replica, std::int64_t oldest) { at(replica).store.keep_from(oldest); }

  /// Where the gradients of the minibatch add up.
  std::span<T> gradient() { return gradient_.view(); }
  /// Where the weight half of one microbatch's backward adds its gradient, whose forward read
  /// `version`; then comes finish_gradient(), which adds it to the minibatch's, compensated.
  std::span<T> begin_gradient(int replica, std::int64_t version);
  void finish_gradient(int replica, std::int64_t version);
  struct Updated {
    double learning_rate = 0;
    double gradient_sq = 0;  ///< ‖gradient‖², NaN where something is not finite
  };
  /// Applies the gradient: the replica's next version. `rate` is the factor on the learning rate.
  Updated update(int replica, double rate, std::int64_t oldest);
  /// Replaces the weights of every replica by their mean.
  void average();
  /// The live weights of a replica, which no pass holds, to be changed in place; then replaced().
  std::span<T> rewrite(int replica) { return at(replica).store.rewrite_live(); }
  void replaced(int replica) { at(replica).bent.replaced(live(replica)); }

  std::span<T const> live(int replica) const { return at(replica).store.read_live(); }
  std::int64_t version(int replica) const { return at(replica).store.live(); }
  /// The model as it is evaluated: the live weights, of replicas their mean. Valid until the next
  /// call or update.
  std::span<T const> model();
  /// The state of the optimizer: the mean over the replicas, and the fewest steps of any.
  OptimizerState<T> optimizer();
  /// Updates made and versions held, over all replicas.
  std::int64_t versions() const;
  std::int32_t copies() const;
  std::int32_t peak_copies() const { return peak_copies_; }

  /// Between actions.
  void state(Archive& archive);

  std::int64_t bytes_of_one() const;
  /// Bytes of gradients, optimizer states and bent weights.
  std::int64_t buffer_bytes() const;

 private:
  struct Replica {
    WeightStore<T> store;
    std::unique_ptr<nn::Optimizer<T>> optimizer;
    BentWeights<T> bent;
    double rate = 1;  // the factor of its last update
  };
  Replica& at(int replica) { return replicas_[static_cast<std::size_t>(replica)]; }
  Replica const& at(int replica) const { return replicas_[static_cast<std::size_t>(replica)]; }
  std::span<T const> bent(typename BentWeights<T>::Pass pass, plan::Read const& read);
  double learning_rate(Replica const& replica) const;
  bool is_compensated(int replica, std::int64_t version) const;

  bool stashes_;
  nn::LearningRate learning_rate_;
  double compensation_;                  // λ·M: gradients carry 1/M
  std::vector<nn::UpdateGroup> groups_;  // of the block, where gradients are compensated
  compute::Buffer<T> gradient_;
  compute::Buffer<T> own_gradient_;  // of one microbatch, where it is compensated
  std::vector<Replica> replicas_;
  std::int64_t earlier_steps_ = 0;  // of every optimizer, before version 0
  compute::Buffer<T> mean_;         // of the replicas, where there are several
  std::int32_t peak_copies_;
};

}  // namespace quartic::engine
