#pragma once

#include <cstdint>
#include <span>

#include "quartic/core/dataset.hpp"

namespace quartic::nn {

/// Changes of an image that leave what it shows.
enum class Augment { none, flip, crop, flip_crop };

/// Random changes of the images that training reads. What is drawn depends on the seed, the epoch
/// and the row of the data alone, and a flip is the same with and without crops.
class Augmentation {
 public:
  /// A crop is a window of the image's size in the image with so many zeros around it.
  static constexpr std::int64_t padding = 4;

  /// `rows`: of the data used. Height and width are larger than `padding` where images are cropped.
  Augmentation(Augment kind, ImageShape image, std::int64_t rows, std::uint64_t seed);

  /// Writes the row as the epoch reads it; `from` and `to` are one image each and do not overlap. T
  /// is float or double.
  template <class T>
  void copy(std::int64_t epoch, std::int64_t row, std::span<T const> from, std::span<T> to) const;

 private:
  struct Change {
    bool flipped = false;
    std::int64_t down = 0, right = 0;  ///< where in the image the window begins
  };
  Change draw(std::int64_t epoch, std::int64_t row) const;

  Augment kind_;
  ImageShape image_;
  std::int64_t rows_;
  std::uint64_t seed_;
};

}  // namespace quartic::nn
