#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/nn/model.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

namespace quartic::samples {

struct CountingPulse final : nn::Pulse {
  void beat() override { ++beats; }
  int beats = 0;
};

/// All stages of a model, one after the other in one thread. Weights and gradients of the stages
/// lie one after the other in one vector; every message and every buffer starts as NaN.
template <class T>
class Chain {
 public:
  Chain(nn::ModelSpec const& spec, Dataset<T> const& data) {
    for (int stage = 0; stage < spec.stages; ++stage) {
      begins_.push_back(parameters_);
      blocks_.push_back(nn::make_block(spec, stage, data, {0, spec.features}));
      parameters_ += blocks_.back()->parameter_count();
    }
    begins_.push_back(parameters_);
  }

  std::int64_t parameters() const { return parameters_; }
  std::size_t stages() const { return blocks_.size(); }
  nn::Block<T>& block(std::size_t stage) { return *blocks_[stage]; }
  template <class U>
  std::span<U> part(std::span<U> whole, std::size_t stage, std::int64_t versions = 1) const {
    auto const first = static_cast<std::size_t>(versions * begins_[stage]);
    return whole.subspan(first, static_cast<std::size_t>(versions * begins_[stage + 1]) - first);
  }

  std::vector<T> start(std::uint64_t seed) const {
    auto weights = poison<T>(parameters_);
    for (std::size_t s = 0; s < stages(); ++s) {
      blocks_[s]->initialise(part(std::span<T>(weights), s), seed);
    }
    return weights;
  }

  double forward(nn::Batch batch, std::vector<T> const& weights) {
    messages_.assign(1, {});
    saved_.clear();
    double loss = 0;
    for (std::size_t s = 0; s < stages(); ++s) {
      auto const sizes = blocks_[s]->sizes(batch.rows);
      messages_.push_back(poison<T>(sizes.output));
      saved_.push_back(poison<T>(sizes.saved));
      loss += run(*blocks_[s], &nn::Block<T>::forward, batch, part(std::span<T const>(weights), s),
                  messages_[s], messages_[s + 1], saved_[s], pulse);
    }
    return loss;
  }

  /// Adds to `gradient`; all input halves first when `split`, else stage by stage.
  void backward(nn::Batch batch, std::vector<T> const& weights, std::vector<T>& gradient,
                bool split = false) {
    std::vector<std::vector<T>> slopes(stages() + 1);
    std::vector<std::vector<T>> flows(stages());
    auto const weight_half = [&](std::size_t s) {
      run(*blocks_[s], &nn::Block<T>::backward_weight, batch, part(std::span<T const>(weights), s),
          messages_[s], saved_[s], slopes[s + 1], flows[s], part(std::span<T>(gradient), s), pulse);
    };
    for (std::size_t s = stages(); s-- > 0;) {
      auto const sizes = blocks_[s]->sizes(batch.rows);
      slopes[s] = poison<T>(sizes.input);
      flows[s] = poison<T>(sizes.flow);
      run(*blocks_[s], &nn::Block<T>::backward_input, batch, part(std::span<T const>(weights), s),
          messages_[s], saved_[s], slopes[s + 1], slopes[s], flows[s], pulse);
      if (!split) weight_half(s);
    }
    for (std::size_t s = 0; split && s < stages(); ++s) weight_half(s);
  }

  std::vector<T> gradient(nn::Batch batch, std::vector<T> const& weights) {
    std::vector<T> sum(static_cast<std::size_t>(parameters_), T(0));
    forward(batch, weights);
    backward(batch, weights, sum);
    return sum;
  }

  /// Scores of the whole objective; `versions` are whole vectors of weights.
  std::vector<nn::Score> evaluate(std::vector<std::vector<T>> const& versions) {
    std::vector<nn::Score> scores(versions.size());
    auto const plan = blocks_[0]->sweep_plan();
    for (std::int64_t row = 0; row < plan.rows; row += plan.rows_per_sweep) {
      sweep({row, std::min(plan.rows_per_sweep, plan.rows - row), std::ssize(versions)},
            side_by_side(versions), scores, plan.backward);
    }
    return scores;
  }

  CountingPulse pulse;

 private:
  // Stage by stage, in each the versions one after the other.
  std::vector<T> side_by_side(std::vector<std::vector<T>> const& versions) const {
    std::vector<T> all;
    for (std::size_t s = 0; s < stages(); ++s) {
      for (auto const& version : versions) {
        auto const own = part(std::span<T const>(version), s);
        all.insert(all.end(), own.begin(), own.end());
      }
    }
    return all;
  }

  void sweep(nn::Sweep sweep, std::vector<T> const& weights, std::vector<nn::Score>& scores,
             bool backward) {
    std::vector<T> message;
    for (std::size_t s = 0; s < stages(); ++s) {
      auto next = poison<T>(blocks_[s]->sweep_output(sweep));
      run(*blocks_[s], &nn::Block<T>::sweep_forward, sweep,
          part(std::span<T const>(weights), s, sweep.versions), message, next, scores);
      message = std::move(next);
    }
    for (std::size_t s = stages(); backward && s-- > 0;) {
      auto next = poison<T>(blocks_[s]->sweep_input(sweep));
      run(*blocks_[s], &nn::Block<T>::sweep_backward, sweep,
          part(std::span<T const>(weights), s, sweep.versions), message, next, scores);
      message = std::move(next);
    }
  }

  std::vector<std::unique_ptr<nn::Block<T>>> blocks_;
  std::vector<std::int64_t> begins_;
  std::int64_t parameters_ = 0;
  std::vector<std::vector<T>> messages_;
  std::vector<std::vector<T>> saved_;
};

/// Derivative of `f` by every element of `x`, by central differences.
template <class F>
std::vector<double> central_differences(std::vector<double> x, F f) {
  constexpr double step = 1e-5;
  std::vector<double> slopes;
  for (double& value : x) {
    double const middle = value;
    value = middle + step;
    double const above = f(x);
    value = middle - step;
    double const below = f(x);
    value = middle;
    slopes.push_back((above - below) / (2 * step));
  }
  return slopes;
}

}  // namespace quartic::samples
