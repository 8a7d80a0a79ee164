#include "quartic/nn/optimizer.hpp"

#include <cmath>
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

/// NAdam with the momentum schedule μ_t = β1 (1 − 0.96^(t/250)/2) that PyTorch has too.
template <class T>
class Nadam final : public Optimizer<T> {
 public:
  Nadam(OptimizerSpec const& spec, std::int64_t parameters)
      : spec_(spec), moments_(2 * static_cast<std::size_t>(parameters)) {}

  double step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
              double learning_rate) override {
    double const now = momentum(++steps_);
    double const next = momentum(steps_ + 1);
    momentum_product_ *= now;
    compute::NadamStep const step{
        .keep = 1 - learning_rate * spec_.weight_decay,
        .beta1 = spec_.beta1,
        .beta2 = spec_.beta2,
        .epsilon = spec_.epsilon,
        .of_gradient = learning_rate * (1 - now) / (1 - momentum_product_),
        .of_moment = learning_rate * next / (1 - momentum_product_ * next),
        .correction = 1 / (1 - std::pow(spec_.beta2, static_cast<double>(steps_)))};
    std::span<T> const moments(moments_);
    return compute::nadam_update<T>(step, from, to, gradient, moments.first(from.size()),
                                    moments.last(from.size()));
  }
  std::span<T> state() override { return moments_; }

 private:
  double momentum(std::int64_t step) const {
    return spec_.beta1 * (1 - 0.5 * std::pow(0.96, 0.004 * static_cast<double>(step)));
  }

  OptimizerSpec spec_;
  std::vector<T> moments_;  // first, then second
  std::int64_t steps_ = 0;
  double momentum_product_ = 1;
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec, std::int64_t parameters) {
  if (spec.name == "sgd") return std::make_unique<Sgd<T>>(spec);
  if (spec.name == "momentum") return std::make_unique<Momentum<T>>(spec, parameters);
  if (spec.name == "nadam") return std::make_unique<Nadam<T>>(spec, parameters);
  usage_error("--optimizer {}: not known; valid are sgd, momentum, nadam", spec.name);
}

template std::unique_ptr<Optimizer<float>> make_optimizer(OptimizerSpec const&, std::int64_t);
template std::unique_ptr<Optimizer<double>> make_optimizer(OptimizerSpec const&, std::int64_t);

}  // namespace quartic::nn
