#include "quartic/nn/pooling.hpp"

#include "quartic/compute/image.hpp"

namespace quartic::nn {
namespace {

std::int64_t outputs(compute::Window const& window, std::int64_t rows) {
  return rows * window.channels * window.output_pixels();
}

double elements_read(compute::Window const& window, std::int64_t rows) {
  return static_cast<double>(outputs(window, rows) * window.kernel_height * window.kernel_width);
}

}  // namespace

template <class T>
Sizes MaxPool<T>::sizes(std::int64_t rows) const {
  std::int64_t const size = outputs(window_, rows);
  return {rows * window_.input_size(), size, size, 0};
}

template <class T>
void MaxPool<T>::forward(std::int64_t rows, std::span<T const> /*weights*/, std::span<T const> x,
                         std::span<T> y, std::span<T> saved, Pulse& /*pulse*/) {
  compute::max_pool_forward<T>(window_, rows, x, y, saved);
}

template <class T>
void MaxPool<T>::backward_input(std::int64_t rows, std::span<T const> /*weights*/,
                                std::span<T const> /*x*/, std::span<T const> saved,
                                std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                                Pulse& /*pulse*/) {
  if (!dx.empty()) compute::max_pool_backward<T>(window_, rows, saved, dy, dx);
}

template <class T>
double MaxPool<T>::flops(std::int64_t rows) const {
  return elements_read(window_, rows);
}

template <class T>
Sizes AveragePool<T>::sizes(std::int64_t rows) const {
  return {rows * window_.input_size(), outputs(window_, rows), 0, 0};
}

template <class T>
void AveragePool<T>::forward(std::int64_t rows, std::span<T const> /*weights*/,
                             std::span<T const> x, std::span<T> y, std::span<T> /*saved*/,
                             Pulse& /*pulse*/) {
  compute::average_pool_forward<T>(window_, rows, x, y);
}

template <class T>
void AveragePool<T>::backward_input(std::int64_t rows, std::span<T const> /*weights*/,
                                    std::span<T const> /*x*/, std::span<T const> /*saved*/,
                                    std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                                    Pulse& /*pulse*/) {
  if (!dx.empty()) compute::average_pool_backward<T>(window_, rows, dy, dx);
}

template <class T>
double AveragePool<T>::flops(std::int64_t rows) const {
  return elements_read(window_, rows);
}

template class MaxPool<float>;
template class MaxPool<double>;
template class AveragePool<float>;
template class AveragePool<double>;

}  // namespace quartic::nn
