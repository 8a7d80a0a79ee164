#include "quartic/nn/activation_layer.hpp"

#include "quartic/compute/activation.hpp"
#include "quartic/compute/vector.hpp"

namespace quartic::nn {

template <class T>
Sizes ActivationLayer<T>::sizes(std::int64_t rows) const {
  std::int64_t const elements = rows * width_;
  return {elements, elements, function_ == Activation::tanh ? elements : 0, 0};
}

template <class T>
void ActivationLayer<T>::forward(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                 std::span<T const> x, std::span<T> y, std::span<T> saved,
                                 Pulse& /*pulse*/) {
  switch (function_) {
    case Activation::relu:
      return compute::relu_forward<T>(x, y);
    case Activation::gelu:
      return compute::gelu_forward<T>(x, y);
    case Activation::tanh:
      break;
  }
  compute::tanh_forward<T>(x, saved);
  compute::copy<T>(saved, y);
}

template <class T>
void ActivationLayer<T>::backward_input(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                        std::span<T const> x, std::span<T const> saved,
                                        std::span<T const> dy, std::span<T> dx,
                                        std::span<T> /*flow*/, Pulse& /*pulse*/) {
  if (dx.empty()) return;
  switch (function_) {
    case Activation::relu:
      return compute::relu_backward<T>(x, dy, dx);
    case Activation::gelu:
      return compute::gelu_backward<T>(x, dy, dx);
    case Activation::tanh:
      return compute::tanh_backward<T>(saved, dy, dx);
  }
}

template <class T>
double ActivationLayer<T>::flops(std::int64_t rows) const {
  return static_cast<double>(rows * width_);
}

template class ActivationLayer<float>;
template class ActivationLayer<double>;

}  // namespace quartic::nn
