#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/batch_norm.hpp"
#include "quartic/nn/convolution.hpp"
#include "quartic/nn/dense.hpp"
#include "quartic/nn/model.hpp"
#include "quartic/nn/pad_image.hpp"
#include "quartic/nn/pooling.hpp"

namespace quartic::nn {

/// Makes layer after layer of an image network, each for the image that the last one leaves. A copy
/// makes another branch from here.
template <class T>
class ImageLayers {
 public:
  explicit ImageLayers(ModelSpec const& spec) : spec_(spec), image_(spec.image) {}

  ImageShape image() const { return image_; }
  /// Channels of this network where the full one has `full`.
  std::int64_t scaled(std::int64_t full) const {
    double const channels = spec_.width_factor * static_cast<double>(full);
    return std::max<std::int64_t>(1, std::llround(channels));
  }
  /// Layers or blocks of a section where the full network has `full`.
  std::int64_t capped(std::int64_t full) const {
    return spec_.depth == 0 ? full : std::min(full, spec_.depth);
  }

  bool is_small() const { return image_.height < least || image_.width < least; }
  /// To images of at least 32 x 32.
  std::unique_ptr<Layer<T>> pad() {
    ImageShape const from = image_;
    image_.height = std::max(image_.height, least);
    image_.width = std::max(image_.width, least);
    return std::make_unique<PadImage<T>>(from, image_.height, image_.width);
  }
  /// Odd kernels, padded so that a stride of 1 keeps the size.
  std::unique_ptr<Layer<T>> convolution(std::int64_t outputs, std::int64_t kernel,
                                        std::int64_t stride, bool has_bias) {
    auto const window = this->window(kernel, kernel, stride, kernel / 2);
    image_ = {outputs, window.output_height(), window.output_width()};
    return std::make_unique<Convolution<T>>(compute::Convolution{window, outputs}, has_bias);
  }
  std::unique_ptr<Layer<T>> batch_norm() const {
    return std::make_unique<BatchNorm<T>>(image_.channels, image_.height * image_.width,
                                          spec_.accumulate);
  }
  std::unique_ptr<Layer<T>> relu() const {
    return std::make_unique<ActivationLayer<T>>(Activation::relu, size());
  }
  std::unique_ptr<Layer<T>> halve() {
    auto const window = this->window(2, 2, 2, 0);
    image_ = {image_.channels, window.output_height(), window.output_width()};
    return std::make_unique<MaxPool<T>>(window);
  }
  /// One number a channel.
  std::unique_ptr<Layer<T>> mean() {
    auto const window = this->window(image_.height, image_.width, 1, 0);
    image_ = {image_.channels, 1, 1};
    return std::make_unique<AveragePool<T>>(window);
  }
  std::unique_ptr<Layer<T>> classifier() const {
    return std::make_unique<Dense<T>>(size(), spec_.classes);
  }

 private:
  static constexpr std::int64_t least = 32;

  std::int64_t size() const { return image_.channels * image_.height * image_.width; }
  compute::Window window(std::int64_t height, std::int64_t width, std::int64_t stride,
                         std::int64_t padding) const {
    return {image_.channels, image_.height, image_.width, height, width, stride, padding};
  }

  ModelSpec const& spec_;
  ImageShape image_;
};

}  // namespace quartic::nn
