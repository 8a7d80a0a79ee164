// Losses on the device.
#include <cmath>
#include <limits>

#include "elementary.hpp"
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

// LossSum, as sum_over adds it up.
struct Terms {
  double value = 0;
  double correct = 0;
  Terms& operator+=(Terms const& other) {
    value += other.value;
    correct += other.correct;
    return *this;
  }
};

// Null where the loss alone is asked for.
template <class T>
T* target(std::span<T> gradient) {
  return gradient.empty() ? nullptr : gradient.data();
}

}  // namespace

template <class T>
LossSum squared_error(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  if (!on_device()) return host::squared_error(z, y, scale, gradient);
  Kernel const kernel(z, y, gradient);
  double const value = sum_over<double>(
      std::ssize(z), [=, z = z.data(), y = y.data(), g = target(gradient)](std::int64_t i) {
        T const difference = z[i] - y[i];
        if (g != nullptr) g[i] = scale * difference;
        return double{difference} * double{difference};
      });
  return {value / 2, std::numeric_limits<double>::quiet_NaN()};
}

template <class T>
LossSum log_loss(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  if (!on_device()) return host::log_loss(z, y, scale, gradient);
  Kernel const kernel(z, y, gradient);
  Terms const sum = sum_over<Terms>(
      std::ssize(z), [=, zs = z.data(), ys = y.data(), g = target(gradient)](std::int64_t i) {
        T const at = zs[i];
        T const label = ys[i];
        T const small = std::exp(-std::abs(at));
        T const sigmoid = (at < 0 ? small : T(1)) / (T(1) + small);
        if (g != nullptr) g[i] = scale * (sigmoid - label);
        return Terms{double{(at < 0 ? T(0) : at) - at * label + std::log1p(small)},
                     (at > 0) == (label > T(0.5)) ? 1.0 : 0.0};
      });
  return {sum.value, sum.correct};
}

template <class T>
LossSum softmax_cross_entropy(std::int64_t classes, std::span<T const> z,
                              std::span<std::int32_t const> labels, T scale,
                              std::span<T> gradient) {
  if (!on_device()) return host::softmax_cross_entropy(classes, z, labels, scale, gradient);
  Kernel const kernel(z, labels, gradient);
  std::int64_t const rows = std::ssize(labels);
  auto* const of_row = workspace<Terms>(Workspace::rows, rows);
  for_each_row(rows, [=, z = z.data(), labels = labels.data(),
                      gradient = target(gradient)](std::int64_t row) {
    T const* const in = z + row * classes;
    std::int64_t const label = labels[row];
    T const shift = row_largest<T>(classes, [=](std::int64_t c) { return in[c]; });
    std::int64_t const chosen = row_first(classes, [=](std::int64_t c) { return in[c] == shift; });
    T const at_label = in[label] - shift;
    T const sum = row_sum<T>(classes, [=](std::int64_t c) { return exponential(in[c] - shift); });
    of_row[row] = {double{std::log(sum) - at_label}, chosen == label ? 1.0 : 0.0};
    if (gradient == nullptr) return;
    T* const out = gradient + row * classes;
    T const factor = scale / sum;
    row_each(classes, [=](std::int64_t c) {
      out[c] = exponential(in[c] - shift) * factor - (c == label ? scale : T(0));
    });
  });
  Terms const sum = sum_over<Terms>(rows, [=](std::int64_t row) { return of_row[row]; });
  return {sum.value, sum.correct};
}

#define QUARTIC_INSTANTIATE(T)                                                             \
  template LossSum squared_error(std::span<T const>, std::span<T const>, T, std::span<T>); \
  template LossSum log_loss(std::span<T const>, std::span<T const>, T, std::span<T>);      \
  template LossSum softmax_cross_entropy(std::int64_t, std::span<T const>,                 \
                                         std::span<std::int32_t const>, T, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
