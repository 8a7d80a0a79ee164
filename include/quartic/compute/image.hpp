#pragma once

#include <cstdint>
#include <span>

#include "quartic/compute/window.hpp"

/// What image networks have besides convolutions: pooling, normalisation, padding. Images lie as
/// [images, channels, height, width]. T is float or double. Nothing overlaps.
namespace quartic::compute {

/// y = the largest x under the window, which lies inside of the image (no padding); `place` [as y]
/// keeps which element of the window that was, counted row by row, the first of equals. A NaN is
/// largest.
template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place);

/// dx = dy where the largest x was, summed over windows; else 0.
template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx);

/// y = the mean of x under the window, which lies inside of the image (no padding).
template <class T>
void average_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                          std::span<T> y);

template <class T>
void average_pool_backward(Window const& window, std::int64_t images, std::span<T const> dy,
                           std::span<T> dx);

/// What a batch normalisation (Ioffe and Szegedy 2015) works on: x [images, channels, pixels]. Each
/// channel has statistics of its own, over its count() elements.
struct Batches {
  std::int64_t images = 1;
  std::int64_t channels = 1;
  std::int64_t pixels = 1;
  std::int64_t count() const { return images * pixels; }
};

/// Of every channel, the mean and the biased variance Σ (x - mean)² / count; sums in double.
template <class T>
void batch_statistics(Batches const& shape, std::span<T const> x, std::span<T> mean,
                      std::span<T> variance);

/// y = w (x - mean) / √(variance + epsilon) + b, with w, b, mean, variance [channels].
template <class T>
void normalise(Batches const& shape, double epsilon, std::span<T const> w, std::span<T const> b,
               std::span<T const> mean, std::span<T const> variance, std::span<T const> x,
               std::span<T> y);

/// What the loss says of w and b: dw(channel) = Σ dy x̂, db(channel) = Σ dy, with x̂ = (x - mean) /
/// √(variance + epsilon); sums in double.
template <class T>
void normalise_sums(Batches const& shape, double epsilon, std::span<T const> mean,
                    std::span<T const> variance, std::span<T const> x, std::span<T const> dy,
                    std::span<T> dw, std::span<T> db);

/// dx = w / √(variance + epsilon) (dy - db / count - x̂ dw / count): mean and variance are those of
/// x itself, dw and db what normalise_sums gave.
template <class T>
void normalise_backward(Batches const& shape, double epsilon, std::span<T const> w,
                        std::span<T const> mean, std::span<T const> variance, std::span<T const> dw,
                        std::span<T const> db, std::span<T const> x, std::span<T const> dy,
                        std::span<T> dx);

/// y = the images x [planes, height, width] in the middle of planes of y_height x y_width zeros; a
/// margin that is odd is wider below and on the right.
template <class T>
void pad_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, std::span<T const> x, std::span<T> y);

/// dx = that middle of dy.
template <class T>
void crop_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                 std::int64_t y_width, std::span<T const> dy, std::span<T> dx);

}  // namespace quartic::compute
