#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/core/partition.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/feature_matrix.hpp"
#include "quartic/nn/model.hpp"

namespace quartic::nn {

/// A loss of z = X w row by row: its sum, and scale times its derivative by z (compute/loss.hpp).
template <class T>
using LinearLoss = compute::LossSum (*)(std::span<T const> z, std::span<T const> y, T scale,
                                        std::span<T> gradient);

/// The loss of a linear objective, null where `objective` is none: quadratic is f = (1/2n)‖Xw -
/// y‖², logistic the mean log-loss for labels 0 and 1.
template <class T>
LinearLoss<T> linear_loss(std::string const& objective);

/// One stage of a linear objective, f(w) = (1/n) Σ_rows loss(X w, y) + (λ/2)‖w‖², w = 0 at the
/// start. The stage holds a slice of the columns of X and the same slice of w. The message forward
/// is the running sum Σ X_s w_s [rows] over the stages so far; the last stage turns it into the
/// residual, the derivative of the loss divided by rows and M, which travels back unchanged.
///
/// The loss of a microbatch is without λ: the last stage does not know the other stages' blocks.
/// The gradient has it, (λ/M) w_s with the weights that the backward reads, and so has the sweep.
///
/// Worked example, quadratic, one row x = (1, 2 | 3), y = 1, M = 1, two stages, w = (1, 1 | 1):
/// stage 0 sends 3; stage 1 has z = 6, loss 12.5, residual 5 and gradient (15); it sends 5 back,
/// and stage 0 has the gradient (5, 10).
template <class T>
class LinearBlock final : public Block<T> {
 public:
  /// `features` are the columns `columns` of the data; `targets` is empty but at the last stage.
  LinearBlock(ModelSpec const& spec, int stage, Part columns, Features<T> const& features,
              std::span<T const> targets);

  std::int64_t parameter_count() const override { return columns_.size; }
  /// "weight", this stage's slice of w.
  std::vector<Parameter> parameters() const override;
  void initialise(std::span<T> weights, std::uint64_t seed) const override;

  /// The last stage saves the residual; nothing flows between the halves of the backward.
  Sizes sizes(std::int64_t rows) const override;

  double forward(Batch batch, std::span<T const> weights, std::span<T const> input,
                 std::span<T> output, std::span<T> saved, Pulse& pulse) override;
  void backward_input(Batch batch, std::span<T const> weights, std::span<T const> input,
                      std::span<T const> saved, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<T> flow, Pulse& pulse) override;
  void backward_weight(Batch batch, std::span<T const> weights, std::span<T const> input,
                       std::span<T const> saved, std::span<T const> output_gradient,
                       std::span<T const> flow, std::span<T> gradient, Pulse& pulse) override;

  /// All rows in one sweep, as many versions as keep the message near 4 MiB of doubles, at most 64.
  /// The loss of held-out rows is without the penalty of λ.
  SweepPlan sweep_plan() const override { return sweeps_; }
  std::int64_t sweep_output(Sweep sweep) const override;
  std::int64_t sweep_input(Sweep sweep) const override;
  void sweep_forward(Sweep sweep, std::span<T const> weights, std::span<T const> input,
                     std::span<T> output, std::span<Score> scores) override;
  void sweep_backward(Sweep sweep, std::span<T const> weights, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<Score> scores) override;

 private:
  bool is_first() const { return stage_ == 0; }
  bool is_last() const { return stage_ == stages_ - 1; }
  std::span<T const> targets(std::int64_t first_row, std::size_t rows) const;
  void running_sum(std::span<T const> input, std::span<T> sum) const;
  void score_losses(Sweep sweep, std::span<Score> scores);
  void sweep_held_out(Sweep sweep, std::span<T const> weights, std::span<T const> input,
                      std::span<T> output, std::span<Score> scores);

  int stage_;
  int stages_;
  std::int64_t features_in_all_;
  Part columns_;
  SweepPlan sweeps_;
  std::int64_t accumulate_;
  double l2_;
  LinearLoss<T> loss_;
  FeatureMatrix<T> features_;
  compute::Buffer<T> targets_;
  compute::Buffer<T> sweep_residual_;  // last stage: [versions, rows]
  compute::Buffer<T> held_out_;        // last stage: [versions, rows]
  compute::Buffer<T> sweep_gradient_;  // [versions, columns]
};

}  // namespace quartic::nn
