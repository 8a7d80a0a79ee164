// Activation functions on the device.
#include <cmath>

#include "elementary.hpp"
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {

template <class T>
void relu_forward(std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::relu_forward(x, y);
  Kernel const kernel(x, y);
  for_each(std::ssize(y), [from = x.data(), to = y.data()](std::int64_t i) {
    to[i] = from[i] < 0 ? T(0) : from[i];
  });
}

template <class T>
void relu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  if (!on_device()) return host::relu_backward(x, dy, dx);
  Kernel const kernel(x, dy, dx);
  for_each(std::ssize(dx), [at = x.data(), from = dy.data(), to = dx.data()](std::int64_t i) {
    to[i] = at[i] <= 0 ? T(0) : from[i];
  });
}

template <class T>
void tanh_forward(std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::tanh_forward(x, y);
  Kernel const kernel(x, y);
  for_each(std::ssize(y),
           [from = x.data(), to = y.data()](std::int64_t i) { to[i] = std::tanh(from[i]); });
}

template <class T>
void tanh_backward(std::span<T const> y, std::span<T const> dy, std::span<T> dx) {
  if (!on_device()) return host::tanh_backward(y, dy, dx);
  Kernel const kernel(y, dy, dx);
  for_each(std::ssize(dx), [at = y.data(), from = dy.data(), to = dx.data()](std::int64_t i) {
    to[i] = from[i] * (T(1) - at[i] * at[i]);
  });
}

template <class T>
void gelu_forward(std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::gelu_forward(x, y);
  Kernel const kernel(x, y);
  for_each(std::ssize(y), [from = x.data(), to = y.data()](std::int64_t i) {
    to[i] = from[i] * normal(from[i]).distribution;
  });
}

template <class T>
void gelu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  if (!on_device()) return host::gelu_backward(x, dy, dx);
  Kernel const kernel(x, dy, dx);
  for_each(std::ssize(dx), [at = x.data(), from = dy.data(), to = dx.data()](std::int64_t i) {
    auto const [distribution, density] = normal(at[i]);
    to[i] = from[i] * (distribution + at[i] * density);
  });
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

}  // namespace quartic::compute
