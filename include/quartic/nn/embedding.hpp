#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// Token and learned position embedding: y(t) = wte(x(t)) + wpe(t), with x [rows, sequence] token
/// ids, y [rows, sequence, width], wte [vocabulary, width], wpe [sequence, width]. A first layer:
/// ids have no gradient. Starts normal with deviation 0.02, as GPT-2.
template <class T>
class Embedding final : public Layer<T> {
 public:
  Embedding(std::int64_t vocabulary, std::int64_t sequence, std::int64_t width)
      : vocabulary_(vocabulary), sequence_(sequence), width_(width) {}

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
  std::size_t positions_begin() const { return static_cast<std::size_t>(vocabulary_ * width_); }

  std::int64_t vocabulary_;
  std::int64_t sequence_;
  std::int64_t width_;
};

}  // namespace quartic::nn
