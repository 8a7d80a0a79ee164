#include "quartic/nn/optimizer.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {
namespace {

template <class T>
class Sgd final : public Optimizer<T> {
 public:
  Sgd(OptimizerSpec const& spec, std::vector<UpdateGroup> groups)
      : Optimizer<T>(spec, std::move(groups)) {}
  std::span<T> state() override { return {}; }

 private:
  double step_group(std::span<T const> from, std::span<T> to, std::span<T> gradient, std::size_t,
                    double learning_rate, double weight_decay) override {
    return compute::sgd_update<T>({learning_rate, weight_decay}, from, to, gradient);
  }
};

template <class T>
class Momentum final : public Optimizer<T> {
 public:
  Momentum(OptimizerSpec const& spec, std::vector<UpdateGroup> groups, bool nesterov)
      : Optimizer<T>(spec, std::move(groups)), nesterov_(nesterov), velocity_(this->parameters()) {}
  std::span<T> state() override { return velocity_.view(); }
  typename Optimizer<T>::Direction direction(std::span<T const>, double learning_rate,
                                             std::span<T>) override {
    return {-learning_rate, velocity_.view()};
  }

 private:
  double step_group(std::span<T const> from, std::span<T> to, std::span<T> gradient,
                    std::size_t first, double learning_rate, double weight_decay) override {
    return compute::momentum_update<T>(
        {learning_rate, weight_decay, this->spec().momentum, nesterov_}, from, to, gradient,
        velocity_.view().subspan(first, from.size()));
  }

  bool nesterov_;
  compute::Buffer<T> velocity_;
};

/// AdamW and NAdam, whose momentum schedule is μ_t = β1 (1 − 0.96^(t/250)/2), PyTorch's.
template <class T>
class Adam final : public Optimizer<T> {
 public:
  Adam(OptimizerSpec const& spec, std::vector<UpdateGroup> groups, bool nesterov)
      : Optimizer<T>(spec, std::move(groups)),
        nesterov_(nesterov),
        moments_(2 * this->parameters()) {}
  std::span<T> state() override { return moments_.view(); }
  typename Optimizer<T>::Direction direction(std::span<T const> from, double learning_rate,
                                             std::span<T> scratch) override {
    if (steps_ == 0) return {};
    auto const t = static_cast<double>(steps_);
    double const product = nesterov_ ? momentum_product_ : std::pow(this->spec().beta1, t);
    compute::AdamStep step{.epsilon = this->spec().epsilon,
                           .of_moment = learning_rate / (1 - product),
                           .correction = 1 / (1 - std::pow(this->spec().beta2, t))};
    std::size_t first = 0;
    for (UpdateGroup const& group : this->groups()) {
      auto const size = static_cast<std::size_t>(group.size);
      bool const decays = group.decays && group.role == Role::trained;
      step.keep = 1 - (decays ? learning_rate * this->spec().weight_decay : 0);
      compute::adam_direction<T>(step, from.subspan(first, size), first_moment(first, size),
                                 second_moment(first, size), scratch.subspan(first, size));
      first += size;
    }
    return {-1, scratch};
  }
  void restart_after(std::int64_t steps) override {
    steps_ = steps;
    momentum_product_ = nesterov_ ? product_of_momenta(steps) : 1;
  }

 private:
  void count_step() {
    ++steps_;
    if (nesterov_) momentum_product_ *= momentum(static_cast<double>(steps_));
  }
  void begin_step(double learning_rate) override {
    OptimizerSpec const& spec = this->spec();
    count_step();
    auto const t = static_cast<double>(steps_);
    step_ = {.beta1 = spec.beta1,
             .beta2 = spec.beta2,
             .epsilon = spec.epsilon,
             .of_moment = learning_rate / (1 - std::pow(spec.beta1, t)),
             .correction = 1 / (1 - std::pow(spec.beta2, t))};
    if (!nesterov_) return;
    double const now = momentum(t);
    double const next = momentum(t + 1);
    step_.of_gradient = learning_rate * (1 - now) / (1 - momentum_product_);
    step_.of_moment = learning_rate * next / (1 - momentum_product_ * next);
  }
  double step_group(std::span<T const> from, std::span<T> to, std::span<T> gradient,
                    std::size_t first, double learning_rate, double weight_decay) override {
    step_.keep = 1 - learning_rate * weight_decay;
    return compute::adam_update<T>(step_, from, to, gradient, first_moment(first, from.size()),
                                   second_moment(first, from.size()));
  }
  std::span<T> first_moment(std::size_t first, std::size_t size) {
    return moments_.view().subspan(first, size);
  }
  std::span<T> second_moment(std::size_t first, std::size_t size) {
    return moments_.view().last(moments_.view().size() / 2).subspan(first, size);
  }
  /// Momenta only grow: a product that one of them leaves as it is has reached its last value.
  double product_of_momenta(std::int64_t steps) const {
    double product = 1;
    for (std::int64_t t = 1; t <= steps; ++t) {
      double const next = product * momentum(static_cast<double>(t));
      if (next == product) break;
      product = next;
    }
    return product;
  }
  double momentum(double t) const {
    return this->spec().beta1 * (1 - 0.5 * std::pow(0.96, 0.004 * t));
  }

  bool nesterov_;
  compute::Buffer<T> moments_;  // first, then second
  std::int64_t steps_ = 0;
  double momentum_product_ = 1;
  compute::AdamStep step_;  // of this step
};

/// How far a statistic moves towards what the minibatch measured: PyTorch's momentum.
constexpr double statistic_rate = 0.1;

bool is_matrix(Parameter const& parameter) {
  return parameter.shape.size() > 1;
}

void append(std::vector<UpdateGroup>& groups, UpdateGroup const& group) {
  bool const alike =
      !groups.empty() && groups.back().decays == group.decays && groups.back().role == group.role;
  if (alike) {
    groups.back().size += group.size;
  } else {
    groups.push_back(group);
  }
}

/// Groups that need passes of their own: without weight decay all that is trained is alike.
std::vector<UpdateGroup> passes(std::vector<UpdateGroup> groups, double weight_decay) {
  std::vector<UpdateGroup> few;
  for (UpdateGroup& group : groups) {
    if (weight_decay == 0) group.decays = true;
    append(few, group);
  }
  return few;
}

}  // namespace

std::vector<std::string> const& optimizer_names() {
  static std::vector<std::string> const names{"sgd", "momentum", "nesterov-momentum", "adamw",
                                              "nadam"};
  return names;
}

std::vector<std::string> const& state_names(std::string const& name) {
  static std::map<std::string, std::vector<std::string>> const names{
      {"sgd", {}},
      {"momentum", {"momentum_buffer"}},
      {"nesterov-momentum", {"momentum_buffer"}},
      {"adamw", {"exp_avg", "exp_avg_sq"}},
      {"nadam", {"exp_avg", "exp_avg_sq"}}};
  return names.at(name);
}

std::vector<UpdateGroup> update_groups(std::span<Parameter const> parameters) {
  bool const any_matrix = std::any_of(parameters.begin(), parameters.end(), is_matrix);
  std::vector<UpdateGroup> groups;
  for (Parameter const& parameter : parameters) {
    append(groups, {element_count(parameter), is_matrix(parameter) || !any_matrix, parameter.role});
  }
  return groups;
}

template <class T>
Optimizer<T>::Optimizer(OptimizerSpec const& spec, std::vector<UpdateGroup> groups)
    : spec_(spec), groups_(passes(std::move(groups), spec.weight_decay)) {
  for (UpdateGroup const& group : groups_) parameters_ += group.size;
}

template <class T>
double Optimizer<T>::step(std::span<T const> from, std::span<T> to, std::span<T> gradient,
                          double learning_rate) {
  double const before_clipping = spec_.clip > 0 ? clip(gradient) : 0;
  begin_step(learning_rate);
  double gradient_sq = 0;
  std::size_t first = 0;
  for (UpdateGroup const& group : groups_) {
    auto const size = static_cast<std::size_t>(group.size);
    auto const old = from.subspan(first, size);
    auto const own = gradient.subspan(first, size);
    if (group.role == Role::statistic) {
      auto const moved = to.subspan(first, size);
      compute::blend<T>(statistic_rate, own, old, moved);
      compute::fill<T>(0, own);
      if (!compute::is_finite<T>(moved)) gradient_sq = std::numeric_limits<double>::quiet_NaN();
    } else {
      gradient_sq += step_group(old, to.subspan(first, size), own, first, learning_rate,
                                group.decays ? spec_.weight_decay : 0);
    }
    first += size;
  }
  return spec_.clip > 0 && std::isfinite(gradient_sq) ? before_clipping : gradient_sq;
}

template <class T>
template <class Visit>
void Optimizer<T>::for_trained(std::span<T> whole, Visit visit) const {
  std::size_t first = 0;
  for (UpdateGroup const& group : groups_) {
    auto const size = static_cast<std::size_t>(group.size);
    if (group.role == Role::trained) visit(whole.subspan(first, size));
    first += size;
  }
}

template <class T>
double Optimizer<T>::clip(std::span<T> gradient) const {
  double gradient_sq = 0;
  for_trained(gradient,
              [&](std::span<T> part) { gradient_sq += compute::sum_of_squares<T>(part); });
  double const norm = std::sqrt(gradient_sq);
  if (!(norm > spec_.clip)) return gradient_sq;  // nor where it is NaN
  for_trained(gradient,
              [&](std::span<T> part) { compute::scale(static_cast<T>(spec_.clip / norm), part); });
  return gradient_sq;
}

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(OptimizerSpec const& spec,
                                             std::vector<UpdateGroup> groups) {
  if (spec.name == "sgd") return std::make_unique<Sgd<T>>(spec, std::move(groups));
  if (spec.name == "momentum" || spec.name == "nesterov-momentum") {
    return std::make_unique<Momentum<T>>(spec, std::move(groups), spec.name != "momentum");
  }
  if (spec.name == "adamw" || spec.name == "nadam") {
    return std::make_unique<Adam<T>>(spec, std::move(groups), spec.name == "nadam");
  }
  usage_error("--optimizer {}: unknown optimizer; valid: {}", spec.name,
              fmt::join(optimizer_names(), ", "));
}

template class Optimizer<float>;
template class Optimizer<double>;
template std::unique_ptr<Optimizer<float>> make_optimizer(OptimizerSpec const&,
                                                          std::vector<UpdateGroup>);
template std::unique_ptr<Optimizer<double>> make_optimizer(OptimizerSpec const&,
                                                           std::vector<UpdateGroup>);

}  // namespace quartic::nn
