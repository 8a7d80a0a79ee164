#pragma once

#include <memory>
#include <span>

#include "quartic/engine/weight_store.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// How a method bends the weights of one stage (plan::Transform): at most one pass over them an
/// update, and none where a pass reads weights as they are. The spans are valid until the next
/// call.
template <class T>
class Transform {
 public:
  virtual ~Transform() = default;
  /// What a forward computes with.
  virtual std::span<T const> forward(plan::Read const& read, WeightStore<T> const& store) {
    return store.read(read.version);
  }
  /// What a backward computes with whose forward read version `forward`.
  virtual std::span<T const> backward(plan::Read const& read, std::int64_t forward,
                                      WeightStore<T> const& store) {
    static_cast<void>(forward);
    return store.read(read.version);
  }
  /// After an update, whose learning rate was `learning_rate`.
  virtual void updated(WeightStore<T> const& store, double learning_rate) {
    static_cast<void>(store);
    static_cast<void>(learning_rate);
  }
  /// After an average with other copies, or other start weights, have replaced the live ones.
  virtual void replaced(WeightStore<T> const& store) { static_cast<void>(store); }
  virtual std::int64_t bytes() const { return 0; }
  /// After that of the store; what follows from the weights is not in it.
  virtual void state(Archive& archive, WeightStore<T> const& store) {
    static_cast<void>(archive);
    static_cast<void>(store);
  }
};

/// The transform that `rules` names, for one stage. `store` has the start weights; `optimizer` must
/// outlive it.
template <class T>
std::unique_ptr<Transform<T>> make_transform(plan::Rules const& rules, int stage,
                                             WeightStore<T> const& store,
                                             nn::Optimizer<T>& optimizer);

}  // namespace quartic::engine
