#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/row_order.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/chain.hpp"
#include "quartic/nn/class_loss.hpp"
#include "quartic/nn/data_rows.hpp"

namespace quartic::nn {

/// What a stage of layers is made of.
template <class T>
struct SequentialParts {
  std::vector<NamedLayer<T>> layers;  ///< at least one
  std::uint32_t first_parameter = 0;  ///< number of its first parameter in the whole model
  std::optional<DataRows<T>> data;    ///< at stage 0: what its first layer reads
  std::optional<ClassLoss<T>> loss;   ///< at the last stage
  std::optional<RowOrder> order;      ///< of its training passes; none: that of the data
  SweepPlan sweeps;
  std::int64_t accumulate = 1;  ///< M
  bool recompute = false;
};

/// A stage made of layers one after the other. A microbatch holds what the chain of them saves and,
/// at the last stage, the logits, which the forward turns into their gradient; and at stage 0 the
/// rows that the forward has read, unless they lie so in the data: order and changes may be those
/// of another epoch before the backward.
///
/// With `recompute` it holds its rows alone: the backward runs the forward again from the stage's
/// input, with the weights of the backward, and so finds their gradient there. With weights that
/// have changed since that is not the gradient that the forward's activations would give.
template <class T>
class SequentialBlock final : public Block<T> {
 public:
  explicit SequentialBlock(SequentialParts<T> parts);

  std::int64_t parameter_count() const override { return parameter_count_; }
  std::vector<Parameter> parameters() const override { return chain_.parameters(); }
  void initialise(std::span<T> weights, std::uint64_t seed) const override;
  Sizes sizes(std::int64_t rows) const override;

  double forward(Batch batch, std::span<T const> weights, std::span<T const> input,
                 std::span<T> output, std::span<T> saved, Pulse& pulse) override;
  void backward_input(Batch batch, std::span<T const> weights, std::span<T const> input,
                      std::span<T const> saved, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<T> flow, Pulse& pulse) override;
  void backward_weight(Batch batch, std::span<T const> weights, std::span<T const> input,
                       std::span<T const> saved, std::span<T const> output_gradient,
                       std::span<T const> flow, std::span<T> gradient, Pulse& pulse) override;

  void backward(Batch batch, std::span<T const> weights, std::span<T const> input,
                std::span<T const> saved, std::span<T const> output_gradient, std::span<T> flow,
                std::span<T> gradient, Pulse& pulse) override;

  /// Some rows and one version at a time, forward only.
  SweepPlan sweep_plan() const override { return sweeps_; }
  std::int64_t sweep_output(Sweep sweep) const override { return sizes(sweep.rows).output; }
  std::int64_t sweep_input(Sweep sweep) const override { return sizes(sweep.rows).input; }
  void sweep_forward(Sweep sweep, std::span<T const> weights, std::span<T const> input,
                     std::span<T> output, std::span<Score> scores) override;
  void sweep_backward(Sweep sweep, std::span<T const> weights, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<Score> scores) override;

 private:
  // What is held for the backward: what the chain saves, and the logits of the last stage.
  template <class U>
  struct Held {
    std::span<U> chain, logits;
  };
  template <class U>
  Held<U> split(std::int64_t rows, std::span<U> held) const;
  std::size_t held(std::int64_t rows) const;
  std::span<T> scratch(std::size_t size) {
    return compute::at_least(scratch_, static_cast<std::int64_t>(size));
  }
  // A backward's views: the input and what is held, and the chain's part of the flow.
  template <class U>
  struct Backward {
    std::span<T const> input;
    Held<T const> held;
    std::span<U> flow;
  };
  template <class U>
  Backward<U> backward_of(Batch batch, std::span<T const> input, std::span<T const> saved,
                          std::span<U> flow);
  void forward_again(Batch batch, std::span<T const> weights, std::span<T const> input,
                     std::span<T> held, Pulse& pulse);
  bool gathers() const { return data_ && data_->gathers(); }
  std::size_t gathered(std::int64_t rows) const;
  std::span<T const> chain_input(Batch batch, std::span<T const> input,
                                 std::span<T const> gathered);
  double mean_loss(Batch batch, std::span<T> logits);

  Chain<T> chain_;
  std::int64_t parameter_count_;
  std::uint32_t first_parameter_;
  std::optional<DataRows<T>> data_;
  std::optional<ClassLoss<T>> loss_;
  std::optional<RowOrder> order_;
  SweepPlan sweeps_;
  std::int64_t accumulate_;
  bool recompute_;
  compute::Buffer<T> scratch_;
};

}  // namespace quartic::nn
