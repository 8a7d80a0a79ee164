#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "quartic/compute/buffer.hpp"
#include "quartic/engine/weight_store.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// The weights that the passes of one replica of a stage compute with where their rule bends them
/// (plan::Bend), and the mean update that bends may name. Bends once for all passes of a kind that
/// read the same; a pass that reads one version as it is reads it where it lies. Makes memory at
/// the first bend of each kind.
template <class T>
class BentWeights {
 public:
  /// `mean_decay` as plan::VersionRule has it; `start` are the start weights.
  BentWeights(double mean_decay, std::span<T const> start);

  enum class Pass { forward, backward };
  /// What a pass computes with; `learning_rate` is that of the next update. Valid until the next
  /// call for the same kind of pass, and at most until the next update.
  std::span<T const> weights(Pass pass, plan::Read const& read, WeightStore<T> const& store,
                             nn::Optimizer<T>& optimizer, double learning_rate);
  /// After an update has made `live`.
  void updated(std::span<T const> live);
  /// After an average, or anything else but an update, has changed the live weights.
  void replaced(std::span<T const> live);

  std::int64_t bytes() const;
  /// Visited after the state of the store. `prefix` begins every name.
  void state(Archive& archive, WeightStore<T> const& store, std::string const& prefix = {});

 private:
  struct Bent {
    compute::Buffer<T> values;
    plan::Read of;  // what `values` are
    bool is_valid = false;
  };

  bool keeps_mean() const { return last_.size() > 0; }
  void make(Bent& bent, plan::Read const& read, WeightStore<T> const& store,
            nn::Optimizer<T>& optimizer, double learning_rate);
  void forget();

  double mean_decay_;
  compute::Buffer<T> last_;         // the live weights as the mean update saw them last
  compute::Buffer<T> mean_update_;  // both empty unless the rule asks for them
  std::array<Bent, 2> bent_;        // by Pass
};

}  // namespace quartic::engine
