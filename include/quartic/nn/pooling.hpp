#pragma once

#include <cstdint>
#include <span>

#include "quartic/compute/window.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// The largest element under each window (compute/image.hpp), with x [rows, channels, height,
/// width]. Saves where it was: the gradient goes there.
template <class T>
class MaxPool final : public Layer<T> {
 public:
  explicit MaxPool(compute::Window const& window) : window_(window) {}

  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  compute::Window window_;
};

/// The mean under each window; a window as large as the image leaves one number a channel.
template <class T>
class AveragePool final : public Layer<T> {
 public:
  explicit AveragePool(compute::Window const& window) : window_(window) {}

  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  compute::Window window_;
};

}  // namespace quartic::nn
