#include "quartic/nn/optimizer.hpp"

#include <vector>

#include "quartic/compute/update.hpp"
#include "quartic/core/check.hpp"

namespace quartic::nn {
namespace {

template <class T>
class Sgd final : public Optimizer<T> {
 public:
  explicit Sgd(OptimizerSpec const& spec) : weight_decay_(spec.weight_decay) {}

  double step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
              double learning_rate) override {
    return compute::sgd_update<T>({learning_rate, weight_decay_}, from, to, gradient);
  }
  std::span<T> state() override { return {}; }

 private:
  double weight_decay_;
};

template <class T>
class Momentum final : public Optimizer<T> {
 public:
  Momentum(OptimizerSpec const& spec, std::int64_t parameters)
      : weight_decay_(spec.weight_decay),
        momentum_(spec.momentum),
        velocity_(static_cast<std::size_t>(parameters)) {}

  double step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
              double learning_rate) override {
    return compute::momentum_update<T>({learning_rate, weight_decay_, momentum_}, from, to,
                                       gradient, velocity_);
  }
  std::span<T> state() override { return velocity_; }

 private:
  double weight_decay_;
  double momentum_;
  std::vector<T> velocity_;
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec, std::int64_t parameters) {
  if (spec.name == "sgd") return std::make_unique<Sgd<T>>(spec);
  if (spec.name == "momentum") return std::make_unique<Momentum<T>>(spec, parameters);
  usage_error("--optimizer {}: not known; valid are sgd, momentum", spec.name);
}

template std::unique_ptr<Optimizer<float>> make_optimizer(OptimizerSpec const&, std::int64_t);
template std::unique_ptr<Optimizer<double>> make_optimizer(OptimizerSpec const&, std::int64_t);

}  // namespace quartic::nn
