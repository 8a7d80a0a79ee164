#pragma once

#include <cstdint>

namespace quartic::compute {

/// A window that slides over images [channels, height, width]: what a convolution and a pooling
/// have in common. Output (row, column) reads the input rows row * stride - padding + [0,
/// kernel_height), and columns likewise.
struct Window {
  std::int64_t channels = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t kernel_height = 1;
  std::int64_t kernel_width = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< rows and columns of zeros on each side

  std::int64_t output_height() const { return (height + 2 * padding - kernel_height) / stride + 1; }
  std::int64_t output_width() const { return (width + 2 * padding - kernel_width) / stride + 1; }
  std::int64_t input_pixels() const { return height * width; }
  std::int64_t output_pixels() const { return output_height() * output_width(); }
  std::int64_t input_size() const { return channels * input_pixels(); }
  /// Elements that one output reads.
  std::int64_t reach() const { return channels * kernel_height * kernel_width; }
};

}  // namespace quartic::compute
