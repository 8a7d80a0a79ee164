#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/engine/transform.hpp"
#include "quartic/engine/weight_store.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// A stage's optimizer between two steps, in the host's memory.
template <class T>
struct OptimizerState {
  std::vector<T> values;  ///< Optimizer::state()
  std::int64_t steps = 0;
};

/// All that a stage keeps of its weights: the versions of every replica, an optimizer for each, the
/// gradient of the minibatch at hand, and how passes see them.
template <class T>
class StageWeights {
 public:
  /// `rules` is needed now only.
  StageWeights(nn::Block<T> const& block, plan::Rules const& rules, int stage,
               nn::OptimizerSpec const& optimizer, std::uint64_t seed);

  /// Before the first pass: other start weights than the block's own, for every replica; the
  /// host's.
  void start_from(std::span<T const> weights);

  /// Before the first pass: every replica's optimizer goes on from there.
  void continue_from(OptimizerState<T> const& optimizer);

  /// What a forward computes with; kept for its backward, if the method stashes, by hold().
  std::span<T const> forward(plan::Read const& read);
  /// What a backward computes with whose forward read version `forward_version`.
  std::span<T const> backward(plan::Read const& read, std::int64_t forward_version);
  void hold(plan::Read const& read);
  void release(int replica, std::int64_t version);
  /// Gives up versions of a replica below `oldest` that no pass holds.
  void keep_from(int replica, std::int64_t oldest) { store(replica).keep_from(oldest); }

  /// Where the weight halves of backwards add up.
  std::span<T> gradient() { return gradient_.view(); }
  /// Applies the gradient: the replica's next version. Returns ‖gradient‖².
  double update(int replica, double learning_rate, std::int64_t oldest);
  /// Every replica goes on from the mean of all.
  void average();
  /// The live weights of a replica, which no pass holds, to be changed in place; then replaced().
  std::span<T> rewrite(int replica) { return store(replica).rewrite_live(); }
  void replaced(int replica) { transform_->replaced(store(replica)); }

  std::span<T const> live(int replica) const { return store(replica).read_live(); }
  std::int64_t version(int replica) const { return store(replica).live(); }
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
  /// Of the gradient, the optimizers' states and the transform.
  std::int64_t buffer_bytes() const;

 private:
  WeightStore<T>& store(int replica) { return stores_[static_cast<std::size_t>(replica)]; }
  WeightStore<T> const& store(int replica) const {
    return stores_[static_cast<std::size_t>(replica)];
  }

  bool stashes_;
  compute::Buffer<T> gradient_;
  std::vector<WeightStore<T>> stores_;                         // by replica
  std::vector<std::unique_ptr<nn::Optimizer<T>>> optimizers_;  // likewise
  std::int64_t earlier_steps_ = 0;  // of every optimizer, before version 0
  std::unique_ptr<Transform<T>> transform_;
  compute::Buffer<T> mean_;  // of the replicas, where there are several
  std::int32_t peak_copies_;
};

}  // namespace quartic::engine
