// Activation functions on the host.
#include <cmath>

#include "elementary.hpp"
#include "quartic/compute/activation.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
template <class T>
void relu_forward(std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] < 0 ? T(0) : x[i];
}

template <class T>
void relu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  QUARTIC_ASSERT(x.size() == dy.size() && x.size() == dx.size());
  for (std::size_t i = 0; i < x.size(); ++i) dx[i] = x[i] <= 0 ? T(0) : dy[i];
}

template <class T>
void tanh_forward(std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::tanh(x[i]);
}

template <class T>
void tanh_backward(std::span<T const> y, std::span<T const> dy, std::span<T> dx) {
  QUARTIC_ASSERT(y.size() == dy.size() && y.size() == dx.size());
  for (std::size_t i = 0; i < y.size(); ++i) dx[i] = dy[i] * (T(1) - y[i] * y[i]);
}

template <class T>
void gelu_forward(std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * normal(x[i]).distribution;
}

template <class T>
void gelu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  QUARTIC_ASSERT(x.size() == dy.size() && x.size() == dx.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto const [distribution, density] = normal(x[i]);
    dx[i] = dy[i] * (distribution + x[i] * density);
  }
}

#define QUARTIC_INSTANTIATE(T)                                                       \
  template void relu_forward(std::span<T const>, std::span<T>);                      \
  template void relu_backward(std::span<T const>, std::span<T const>, std::span<T>); \
  template void tanh_forward(std::span<T const>, std::span<T>);                      \
  template void tanh_backward(std::span<T const>, std::span<T const>, std::span<T>); \
  template void gelu_forward(std::span<T const>, std::span<T>);                      \
  template void gelu_backward(std::span<T const>, std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
