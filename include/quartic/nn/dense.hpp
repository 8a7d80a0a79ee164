#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// y = x Wᵀ + b, with x [rows, inputs], y [rows, outputs], W [outputs, inputs], b [outputs]. Start
/// weights as PyTorch's Linear: W and b uniform in ±1/√inputs.
template <class T>
class Dense final : public Layer<T> {
 public:
  Dense(std::int64_t inputs, std::int64_t outputs) : inputs_(inputs), outputs_(outputs) {}

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
};

}  // namespace quartic::nn
