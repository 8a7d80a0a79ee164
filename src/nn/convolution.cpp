#include "quartic/nn/convolution.hpp"

#include <cmath>

#include "quartic/nn/start_weights.hpp"

namespace quartic::nn {

template <class T>
std::vector<Parameter> Convolution<T>::parameters() const {
  auto const& window = shape_.window;
  std::vector<Parameter> all{
      {"weight", {shape_.outputs, window.channels, window.kernel_height, window.kernel_width}, 0}};
  if (has_bias_) all.push_back({"bias", {shape_.outputs}, kernel_elements()});
  return all;
}

template <class T>
void Convolution<T>::initialise(std::span<T> weights, std::uint64_t seed,
                                std::uint32_t first_parameter) const {
  double const bound = 1 / std::sqrt(static_cast<double>(shape_.window.reach()));
  draw_uniform(bound, seed, first_parameter, weights.first(bias_begin()));
  if (has_bias_) draw_uniform(bound, seed, first_parameter + 1, weights.subspan(bias_begin()));
}

template <class T>
Sizes Convolution<T>::sizes(std::int64_t rows) const {
  return {rows * shape_.window.input_size(), rows * shape_.outputs * shape_.window.output_pixels(),
          0, 0};
}

template <class T>
void Convolution<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                             std::span<T> y, std::span<T> /*saved*/, Pulse& /*pulse*/) {
  compute::convolution_forward<T>(shape_, rows, weights.first(bias_begin()), x, y, scratch(rows));
  if (!has_bias_) return;
  compute::add_channel_bias<T>(weights.subspan(bias_begin()), shape_.window.output_pixels(), y);
}

template <class T>
void Convolution<T>::backward_input(std::int64_t rows, std::span<T const> weights,
                                    std::span<T const> /*x*/, std::span<T const> /*saved*/,
                                    std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                                    Pulse& /*pulse*/) {
  if (dx.empty()) return;
  compute::convolution_input_gradient<T>(shape_, rows, weights.first(bias_begin()), dy, dx,
                                         scratch(rows));
}

template <class T>
void Convolution<T>::backward_weight(std::int64_t rows, std::span<T const> /*weights*/,
                                     std::span<T const> x, std::span<T const> /*saved*/,
                                     std::span<T const> dy, std::span<T const> /*flow*/,
                                     std::span<T> dw, Pulse& /*pulse*/) {
  compute::convolution_weight_gradient<T>(shape_, rows, x, dy, dw.first(bias_begin()),
                                          scratch(rows));
  if (!has_bias_) return;
  compute::add_channel_sums<T>(shape_.window.output_pixels(), dy, dw.subspan(bias_begin()));
}

template <class T>
double Convolution<T>::flops(std::int64_t rows) const {
  return 2.0 * static_cast<double>(rows * kernel_elements() * shape_.window.output_pixels());
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace quartic::nn
