#pragma once

#include <cstdint>
#include <span>

#include "quartic/core/dataset.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// Images in the middle of larger ones that are 0 elsewhere: 28 x 28 digits for a network that
/// halves 32 x 32 five times.
template <class T>
class PadImage final : public Layer<T> {
 public:
  PadImage(ImageShape image, std::int64_t height, std::int64_t width)
      : image_(image), height_(height), width_(width) {}

  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  /// None: it moves numbers.
  double flops(std::int64_t /*rows*/) const override { return 0; }

 private:
  ImageShape image_;
  std::int64_t height_;
  std::int64_t width_;
};

}  // namespace quartic::nn
