#pragma once

#include <cstdint>
#include <span>

#include "quartic/nn/layer.hpp"
#include "quartic/nn/model.hpp"

namespace quartic::nn {

/// An activation function, elementwise over rows of `width` (compute/activation.hpp). tanh saves
/// its values, which are dear; relu and gelu need x alone.
template <class T>
class ActivationLayer final : public Layer<T> {
 public:
  ActivationLayer(Activation function, std::int64_t width) : function_(function), width_(width) {}

  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  Activation function_;
  std::int64_t width_;
};

}  // namespace quartic::nn
