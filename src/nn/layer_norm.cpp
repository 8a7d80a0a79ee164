#include "quartic/nn/layer_norm.hpp"

#include <algorithm>

#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/vector.hpp"

namespace quartic::nn {

template <class T>
std::vector<Parameter> LayerNorm<T>::parameters() const {
  return {{"weight", {width_}, 0}, {"bias", {width_}, width_}};
}

template <class T>
void LayerNorm<T>::initialise(std::span<T> weights, std::uint64_t /*seed*/,
                              std::uint32_t /*first_parameter*/) const {
  std::ranges::fill(weights.first(width()), T(1));
  std::ranges::fill(weights.subspan(width()), T(0));
}

template <class T>
Sizes LayerNorm<T>::sizes(std::int64_t rows) const {
  std::int64_t const elements = rows * places_ * width_;
  return {elements, elements, 2 * rows * places_, 0};
}

template <class T>
void LayerNorm<T>::forward(std::int64_t /*rows*/, std::span<T const> weights, std::span<T const> x,
                           std::span<T> y, std::span<T> saved, Pulse& /*pulse*/) {
  compute::layer_norm_forward<T>(x, weights.first(width()), weights.subspan(width()), y, saved);
}

template <class T>
void LayerNorm<T>::backward_input(std::int64_t /*rows*/, std::span<T const> weights,
                                  std::span<T const> x, std::span<T const> saved,
                                  std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                                  Pulse& /*pulse*/) {
  if (dx.empty()) return;
  compute::layer_norm_backward_input<T>(x, weights.first(width()), saved, dy, dx);
}

template <class T>
void LayerNorm<T>::backward_weight(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                   std::span<T const> x, std::span<T const> saved,
                                   std::span<T const> dy, std::span<T const> /*flow*/,
                                   std::span<T> dw, Pulse& /*pulse*/) {
  compute::layer_norm_backward_weight<T>(x, saved, dy, dw.first(width()), dw.subspan(width()));
}

template <class T>
double LayerNorm<T>::flops(std::int64_t rows) const {
  return 8.0 * static_cast<double>(rows * places_ * width_);
}

template class LayerNorm<float>;
template class LayerNorm<double>;

}  // namespace quartic::nn
