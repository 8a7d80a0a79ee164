#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// Layer normalisation (compute/layer_norm.hpp) of the `width` numbers at each of `places` places
/// of a row. Starts with weight 1 and bias 0. Saves each place's mean and deviation.
template <class T>
class LayerNorm final : public Layer<T> {
 public:
  LayerNorm(std::int64_t width, std::int64_t places) : width_(width), places_(places) {}

  std::vector<Parameter> parameters() const override;
  void initialise(std::span<T> weights, std::uint64_t seed,
                  std::uint32_t first_parameter) const override;
  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  void backward_weight(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T const> saved, std::span<T const> dy, std::span<T const> flow,
                       std::span<T> dw, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  std::size_t width() const { return static_cast<std::size_t>(width_); }

  std::int64_t width_;
  std::int64_t places_;
};

}  // namespace quartic::nn
