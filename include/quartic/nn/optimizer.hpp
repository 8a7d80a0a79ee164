#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace quartic::nn {

struct OptimizerSpec {
  std::string name = "sgd";  ///< sgd, momentum, nadam
  double learning_rate = 0.01;
  double momentum = 0.9;
  double weight_decay = 0;  ///< decoupled from the gradient in nadam
  double beta1 = 0.9;       ///< nadam
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// One stage's optimizer: a fused pass over the block that reads `from`, writes `to` (the same
/// memory where no pass still needs the old version), and zeroes the gradient it has used.
template <class T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Returns ‖gradient‖² (summed in double, weight decay not included).
  virtual double step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
                      double learning_rate) = 0;
  /// What must be saved to go on later, besides the number of steps: empty for sgd, the velocity
  /// for momentum, both moments for nadam.
  virtual std::span<T> state() = 0;
};

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec, std::int64_t parameters);

}  // namespace quartic::nn
