#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quartic/nn/block.hpp"

namespace quartic::nn {

struct OptimizerSpec {
  std::string name = "sgd";  ///< one of optimizer_names()
  double learning_rate = 0.01;
  double momentum = 0.9;
  double weight_decay = 0;  ///< decoupled from the gradient in adamw and nadam
  double beta1 = 0.9;       ///< adamw, nadam
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 0;  ///< largest norm of a stage's gradient; 0: any
};

/// sgd, momentum, nesterov-momentum, adamw, nadam.
std::vector<std::string> const& optimizer_names();
/// PyTorch's names of the arrays in the state of the optimizer `name`, in their order there: none
/// for sgd, momentum_buffer; exp_avg and exp_avg_sq.
std::vector<std::string> const& state_names(std::string const& name);

/// A run of elements that are treated alike.
struct UpdateGroup {
  std::int64_t size = 0;
  bool decays = true;
  Role role = Role::trained;
};

/// The groups of a stage's block in order: weight decay is for matrices and kernels, not for biases
/// and norms, unless the block has nothing else (the linear objectives' one vector); statistics
/// have none.
std::vector<UpdateGroup> update_groups(std::span<Parameter const> parameters);

/// One stage's optimizer: a fused pass over the block that reads `from`, writes `to` (the same
/// memory where no pass still needs the old version), and zeroes the gradient it has used. A
/// gradient whose norm exceeds the clip is shortened to it first. Statistics take no part in any of
/// that: each moves a tenth of the way to its gradient, as PyTorch's do.
template <class T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Returns ‖gradient‖² (summed in double, weight decay not included, as it was before clipping);
  /// NaN where a weight, a statistic or a moment is not finite any more.
  double step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
              double learning_rate);
  /// What must be saved to go on later, besides the number of steps: an array of the block's size
  /// for each of state_names(), one after another.
  virtual std::span<T> state() = 0;
  /// The next step, scale · values, as the state predicts it before the gradient is known: −γ·v of
  /// momentum, −γ·m̂/(√v̂ + ε) of the Adam family, less γ·decay·w where the decay is decoupled.
  struct Direction {
    double scale = 0;  ///< 0: the optimizer predicts no step, and `values` is empty
    std::span<T const> values;
  };
  /// `from` are the weights that the step would start from, `learning_rate` is γ. `scratch`, of the
  /// block's size, may be where the values lie.
  virtual Direction direction(std::span<T const> from, double learning_rate, std::span<T> scratch) {
    static_cast<void>(from), static_cast<void>(learning_rate), static_cast<void>(scratch);
    return {};
  }
  /// Goes on as after so many steps, whose state() has been put back.
  virtual void restart_after(std::int64_t steps) { static_cast<void>(steps); }

 protected:
  Optimizer(OptimizerSpec const& spec, std::vector<UpdateGroup> groups);
  OptimizerSpec const& spec() const { return spec_; }
  std::int64_t parameters() const { return parameters_; }
  /// Groups that need passes of their own, in order.
  std::span<UpdateGroup const> groups() const { return groups_; }

 private:
  /// Once a step, before its groups.
  virtual void begin_step(double learning_rate) { static_cast<void>(learning_rate); }
  /// The pass over one group, whose first element is number `first` of the block.
  virtual double step_group(std::span<T const> from, std::span<T> to, std::span<T> gradient,
                            std::size_t first, double learning_rate, double weight_decay) = 0;
  double clip(std::span<T> gradient) const;
  template <class Visit>
  void for_trained(std::span<T> whole, Visit visit) const;

  OptimizerSpec spec_;
  std::vector<UpdateGroup> groups_;
  std::int64_t parameters_ = 0;
};

/// UsageError that lists the names when there is none of spec.name.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec,
                                             std::vector<UpdateGroup> groups);
/// All elements alike.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec, std::int64_t parameters) {
  return make_optimizer<T>(spec, std::vector<UpdateGroup>{{parameters, true}});
}

}  // namespace quartic::nn
