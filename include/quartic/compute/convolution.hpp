#pragma once

#include <cstdint>
#include <span>

#include "quartic/compute/window.hpp"

/// Convolutions of images (cross-correlations, as everywhere in learning): x [images, channels,
/// height, width], w [outputs, channels, kernel height, kernel width], y [images, outputs, output
/// height, output width]. T is float or double. Results that are not added to may hold anything
/// beforehand, NaN included. Nothing overlaps.
namespace quartic::compute {

struct Convolution {
  Window window;
  std::int64_t outputs = 1;  ///< channels of the result
};

/// Elements of the scratch that the three products need; it carries nothing from call to call.
std::int64_t scratch_size(Convolution const& shape, std::int64_t images);

/// y(n, o, r, c) = Σ w(o, i, a, b) x(n, i, r stride + a - padding, c stride + b - padding), x being
/// 0 outside of the image.
template <class T>
void convolution_forward(Convolution const& shape, std::int64_t images, std::span<T const> w,
                         std::span<T const> x, std::span<T> y, std::span<T> scratch);

/// dx = the transpose of the same map, of dy.
template <class T>
void convolution_input_gradient(Convolution const& shape, std::int64_t images, std::span<T const> w,
                                std::span<T const> dy, std::span<T> dx, std::span<T> scratch);

/// dw(o, i, a, b) += Σ dy(n, o, r, c) x(n, i, r stride + a - padding, c stride + b - padding).
template <class T>
void convolution_weight_gradient(Convolution const& shape, std::int64_t images,
                                 std::span<T const> x, std::span<T const> dy, std::span<T> dw,
                                 std::span<T> scratch);

/// Adds bias [channels] to every pixel of y [images, channels, pixels].
template <class T>
void add_channel_bias(std::span<T const> bias, std::int64_t pixels, std::span<T> y);

/// sum(channel) += Σ x(n, channel, pixel), with x [images, channels, pixels]; taken in double.
template <class T>
void add_channel_sums(std::int64_t pixels, std::span<T const> x, std::span<T> sum);

}  // namespace quartic::compute
