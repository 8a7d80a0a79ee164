#include "quartic/nn/pad_image.hpp"

#include "quartic/compute/image.hpp"

namespace quartic::nn {

template <class T>
Sizes PadImage<T>::sizes(std::int64_t rows) const {
  std::int64_t const planes = rows * image_.channels;
  return {planes * image_.height * image_.width, planes * height_ * width_, 0, 0};
}

template <class T>
void PadImage<T>::forward(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                          std::span<T const> x, std::span<T> y, std::span<T> /*saved*/,
                          Pulse& /*pulse*/) {
  compute::pad_planes<T>(image_.height, image_.width, height_, width_, x, y);
}

template <class T>
void PadImage<T>::backward_input(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                 std::span<T const> /*x*/, std::span<T const> /*saved*/,
                                 std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                                 Pulse& /*pulse*/) {
  if (!dx.empty()) compute::crop_planes<T>(image_.height, image_.width, height_, width_, dy, dx);
}

template class PadImage<float>;
template class PadImage<double>;

}  // namespace quartic::nn
