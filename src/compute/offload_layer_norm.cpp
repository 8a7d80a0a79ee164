// Layer normalisation on the device: a warp a row.
#include <cmath>

#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

constexpr double epsilon = 1e-5;

}  // namespace

template <class T>
void layer_norm_forward(std::span<T const> x, std::span<T const> weight, std::span<T const> bias,
                        std::span<T> y, std::span<T> statistics) {
  if (!on_device()) return host::layer_norm_forward(x, weight, bias, y, statistics);
  Kernel const kernel(x, weight, bias, y, statistics);
  std::int64_t const width = std::ssize(weight);
  for_each_row(std::ssize(x) / width, [=, x = x.data(), w = weight.data(), b = bias.data(),
                                       y = y.data(), s = statistics.data()](std::int64_t row) {
    T const* const in = x + row * width;
    T* const out = y + row * width;
    auto const count = static_cast<T>(width);
    T const mean = row_sum<T>(width, [=](std::int64_t i) { return in[i]; }) / count;
    T const squares =
        row_sum<T>(width, [=](std::int64_t i) { return (in[i] - mean) * (in[i] - mean); });
    T const inverse_deviation = T(1) / std::sqrt(squares / count + T(epsilon));
    row_each(width,
             [=](std::int64_t i) { out[i] = (in[i] - mean) * inverse_deviation * w[i] + b[i]; });
    s[2 * row] = mean;
    s[2 * row + 1] = inverse_deviation;
  });
}

template <class T>
void layer_norm_backward_input(std::span<T const> x, std::span<T const> weight,
                               std::span<T const> statistics, std::span<T const> dy,
                               std::span<T> dx) {
  if (!on_device()) return host::layer_norm_backward_input(x, weight, statistics, dy, dx);
  Kernel const kernel(x, weight, statistics, dy, dx);
  std::int64_t const width = std::ssize(weight);
  for_each_row(std::ssize(x) / width, [=, x = x.data(), w = weight.data(), s = statistics.data(),
                                       dy = dy.data(), dx = dx.data()](std::int64_t row) {
    T const* const in = x + row * width;
    T const* const g = dy + row * width;
    T* const out = dx + row * width;
    T const mean = s[2 * row];
    T const inverse_deviation = s[2 * row + 1];
    auto const count = static_cast<T>(width);
    T const sum = row_sum<T>(width, [=](std::int64_t i) { return w[i] * g[i]; }) / count;
    T const product = row_sum<T>(width,
                                 [=](std::int64_t i) {
                                   return w[i] * g[i] * ((in[i] - mean) * inverse_deviation);
                                 }) /
                      count;
    row_each(width, [=](std::int64_t i) {
      T const normalised = (in[i] - mean) * inverse_deviation;
      out[i] = (w[i] * g[i] - sum - normalised * product) * inverse_deviation;
    });
  });
}

template <class T>
void layer_norm_backward_weight(std::span<T const> x, std::span<T const> statistics,
                                std::span<T const> dy, std::span<T> dweight, std::span<T> dbias) {
  if (!on_device()) return host::layer_norm_backward_weight(x, statistics, dy, dweight, dbias);
  Kernel const kernel(x, statistics, dy, dweight, dbias);
  std::int64_t const width = std::ssize(dweight);
  std::int64_t const rows = std::ssize(x) / width;
  add_over_rows(rows, width, dweight.data(),
                [=, x = x.data(), s = statistics.data(), dy = dy.data()](std::int64_t row,
                                                                         std::int64_t column) {
                  std::int64_t const i = row * width + column;
                  return dy[i] * ((x[i] - s[2 * row]) * s[2 * row + 1]);
                });
  add_over_rows(rows, width, dbias.data(),
                [=, dy = dy.data()](std::int64_t row, std::int64_t column) {
                  return dy[row * width + column];
                });
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

}  // namespace quartic::compute
