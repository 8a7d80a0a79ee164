#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// What a dense layer is besides its two widths.
struct DenseForm {
  std::int64_t places = 1;  ///< of one row of data at which the layer is applied: tokens
  bool bias = true;
  /// Start weights: 0 for those of PyTorch's Linear, W and b uniform in ±1/√inputs; else W normal
  /// with this deviation, b zero.
  double deviation = 0;
};

/// y = x Wᵀ + b, with x [rows · places, inputs], y [rows · places, outputs], W [outputs, inputs],
/// b [outputs].
template <class T>
class Dense final : public Layer<T> {
 public:
  Dense(std::int64_t inputs, std::int64_t outputs, DenseForm form = {})
      : inputs_(inputs), outputs_(outputs), form_(form) {}

  std::vector<Parameter> parameters() const override;
  void initialise(std::span<T> weights, std::uint64_t seed,
                  std::uint32_t first_parameter) const override;
  Sizes sizes(std::int64_t rows) const override;

  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  /// dx = dy W.
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  /// dW += dyᵀ x, db += column sums of dy.
  void backward_weight(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T const> saved, std::span<T const> dy, std::span<T const> flow,
                       std::span<T> dw, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  std::size_t bias_begin() const { return static_cast<std::size_t>(inputs_ * outputs_); }

  std::int64_t inputs_;
  std::int64_t outputs_;
  DenseForm form_;
};

}  // namespace quartic::nn
