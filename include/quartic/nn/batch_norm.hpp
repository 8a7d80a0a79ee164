#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/image.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// Batch normalisation of every channel, as PyTorch's BatchNorm2d: y = w (x - mean) / √(variance +
/// 1e-5) + b, with x [rows, channels, pixels] and w, b [channels]. In training mean and variance
/// (biased) are the microbatch's own, in evaluation the running ones: two parameters more, which
/// are statistics (Role). To their gradient a microbatch adds 1/M of its mean and of its unbiased
/// variance; the optimizer moves them a tenth of the way there. So with M = 1 they are PyTorch's.
template <class T>
class BatchNorm final : public Layer<T> {
 public:
  BatchNorm(std::int64_t channels, std::int64_t pixels, std::int64_t accumulate)
      : channels_(channels), pixels_(pixels), accumulate_(accumulate) {}

  /// weight, bias, running_mean, running_var.
  std::vector<Parameter> parameters() const override;
  /// 1, 0, 0, 1.
  void initialise(std::span<T> weights, std::uint64_t seed,
                  std::uint32_t first_parameter) const override;
  /// saved: mean and variance; flow: the gradients of w and b.
  Sizes sizes(std::int64_t rows) const override;

  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
                std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  void backward_weight(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T const> saved, std::span<T const> dy, std::span<T const> flow,
                       std::span<T> dw, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  compute::Batches shape(std::int64_t rows) const { return {rows, channels_, pixels_}; }
  // Part `index` of a buffer that holds some numbers for every channel.
  template <class U>
  std::span<U> part(std::span<U> whole, std::int64_t index) const {
    return whole.subspan(static_cast<std::size_t>(index * channels_),
                         static_cast<std::size_t>(channels_));
  }

  std::int64_t channels_;
  std::int64_t pixels_;
  std::int64_t accumulate_;
};

}  // namespace quartic::nn
