// Layer normalisation on the host.
#include <cmath>

#include "host_lanes.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

constexpr double epsilon = 1e-5;

template <class T>
struct Statistics {
  T mean;
  T inverse_deviation;
};

template <class T>
Statistics<T> statistics_of(T const* x, std::size_t width) {
  T const mean = sum_of_row<T>(width, [=](std::size_t i) { return x[i]; }) / static_cast<T>(width);
  T const squares = sum_of_row<T>(width, [=](std::size_t i) {
    T const deviation = x[i] - mean;
    return deviation * deviation;
  });
  return {mean, T(1) / std::sqrt(squares / static_cast<T>(width) + T(epsilon))};
}

}  // namespace

template <class T>
void layer_norm_forward(std::span<T const> x, std::span<T const> weight, std::span<T const> bias,
                        std::span<T> y, std::span<T> statistics) {
  std::size_t const width = weight.size();
  QUARTIC_ASSERT(x.size() == y.size() && bias.size() == width);
  QUARTIC_ASSERT(statistics.size() * width == 2 * x.size());
  T const* const w = weight.data();
  T const* const b = bias.data();
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    T const* const in = x.data() + row * width;
    T* const out = y.data() + row * width;
    auto const [mean, inverse_deviation] = statistics_of(in, width);
    for (std::size_t i = 0; i < width; ++i)
      out[i] = (in[i] - mean) * inverse_deviation * w[i] + b[i];
    statistics[2 * row] = mean;
    statistics[2 * row + 1] = inverse_deviation;
  }
}

template <class T>
void layer_norm_backward_input(std::span<T const> x, std::span<T const> weight,
                               std::span<T const> statistics, std::span<T const> dy,
                               std::span<T> dx) {
  std::size_t const width = weight.size();
  QUARTIC_ASSERT(x.size() == dx.size() && dy.size() == dx.size());
  T const* const w = weight.data();
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    T const* const in = x.data() + row * width;
    T const* const g = dy.data() + row * width;
    T* const out = dx.data() + row * width;
    T const mean = statistics[2 * row];
    T const inverse_deviation = statistics[2 * row + 1];
    auto const count = static_cast<T>(width);
    T const sum = sum_of_row<T>(width, [=](std::size_t i) { return w[i] * g[i]; }) / count;
    T const product = sum_of_row<T>(width,
                                    [=](std::size_t i) {
                                      return w[i] * g[i] * ((in[i] - mean) * inverse_deviation);
                                    }) /
                      count;
    for (std::size_t i = 0; i < width; ++i) {
      T const normalised = (in[i] - mean) * inverse_deviation;
      out[i] = (w[i] * g[i] - sum - normalised * product) * inverse_deviation;
    }
  }
}

template <class T>
void layer_norm_backward_weight(std::span<T const> x, std::span<T const> statistics,
                                std::span<T const> dy, std::span<T> dweight, std::span<T> dbias) {
  std::size_t const width = dweight.size();
  QUARTIC_ASSERT(x.size() == dy.size() && dbias.size() == width);
  T* const dw = dweight.data();
  T* const db = dbias.data();
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    T const* const in = x.data() + row * width;
    T const* const g = dy.data() + row * width;
    T const mean = statistics[2 * row];
    T const inverse_deviation = statistics[2 * row + 1];
    for (std::size_t i = 0; i < width; ++i) {
      dw[i] += g[i] * ((in[i] - mean) * inverse_deviation);
      db[i] += g[i];
    }
  }
}

#define QUARTIC_INSTANTIATE(T)                                                                   \
  template void layer_norm_forward(std::span<T const>, std::span<T const>, std::span<T const>,   \
                                   std::span<T>, std::span<T>);                                  \
  template void layer_norm_backward_input(std::span<T const>, std::span<T const>,                \
                                          std::span<T const>, std::span<T const>, std::span<T>); \
  template void layer_norm_backward_weight(std::span<T const>, std::span<T const>,               \
                                           std::span<T const>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
