#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/convolution.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// y = w * x + b (compute/convolution.hpp), with x [rows, channels, height, width], w [outputs,
/// channels, kernel height, kernel width] and b [outputs], if it has one. Start weights as
/// PyTorch's Conv2d: w and b uniform in ±1/√(channels kernel height kernel width). Owns the scratch
/// of its products.
template <class T>
class Convolution final : public Layer<T> {
 public:
  Convolution(compute::Convolution const& shape, bool has_bias)
      : shape_(shape), has_bias_(has_bias) {}

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
  std::int64_t kernel_elements() const { return shape_.outputs * shape_.window.reach(); }
  std::size_t bias_begin() const { return static_cast<std::size_t>(kernel_elements()); }
  std::span<T> scratch(std::int64_t rows) {
    return compute::at_least(scratch_, compute::scratch_size(shape_, rows));
  }

  compute::Convolution shape_;
  bool has_bias_;
  compute::Buffer<T> scratch_;
};

}  // namespace quartic::nn
