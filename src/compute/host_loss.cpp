// Losses on the host.
#include <algorithm>
#include <cmath>
#include <limits>

#include "elementary.hpp"
#include "host_lanes.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

template <class T>
struct RowLoss {
  T value;
  bool correct;
};

template <class T>
T log_loss(T z, T y, T& sigmoid) {
  T const small = std::exp(-std::abs(z));
  sigmoid = (z < 0 ? small : T(1)) / (T(1) + small);
  return (z < 0 ? T(0) : z) - z * y + std::log1p(small);
}

template <class T>
RowLoss<T> cross_entropy(std::span<T const> z, std::size_t label, T scale, T* gradient) {
  T const shift = largest_of_row(z.data(), z.size());
  auto const first = std::find(z.begin(), z.end(), shift);
  bool const correct = first == z.begin() + static_cast<std::ptrdiff_t>(label);
  T const at_label = z[label] - shift;
  T sum = 0;
  if (gradient == nullptr) {
    sum = sum_of_row<T>(z.size(), [=](std::size_t c) { return exponential(z[c] - shift); });
  } else {
    for (std::size_t c = 0; c < z.size(); ++c) gradient[c] = exponential(z[c] - shift);
    sum = sum_of_row<T>(z.size(), [=](std::size_t c) { return gradient[c]; });
    T const factor = scale / sum;
    for (std::size_t c = 0; c < z.size(); ++c) gradient[c] *= factor;
    gradient[label] -= scale;
  }
  return {std::log(sum) - at_label, correct};
}

}  // namespace

template <class T>
LossSum squared_error(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  QUARTIC_ASSERT(z.size() == y.size() && (gradient.empty() || gradient.size() == z.size()));
  double const value = sum_in_lanes(z.size(), [=](std::size_t i) {
    double const difference = z[i] - y[i];
    return difference * difference;
  });
  T* const r = gradient.data();
  for (std::size_t i = 0; i < gradient.size(); ++i) r[i] = scale * (z[i] - y[i]);
  return {value / 2, std::numeric_limits<double>::quiet_NaN()};
}

template <class T>
LossSum log_loss(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  QUARTIC_ASSERT(z.size() == y.size() && (gradient.empty() || gradient.size() == z.size()));
  LossSum sum;
  for (std::size_t i = 0; i < z.size(); ++i) {
    T sigmoid = 0;
    sum.correct += (z[i] > 0) == (y[i] > T(0.5)) ? 1 : 0;
    sum.value += double{log_loss(z[i], y[i], sigmoid)};
    if (!gradient.empty()) gradient[i] = scale * (sigmoid - y[i]);
  }
  return sum;
}

template <class T>
LossSum softmax_cross_entropy(std::int64_t classes, std::span<T const> z,
                              std::span<std::int32_t const> labels, T scale,
                              std::span<T> gradient) {
  auto const width = static_cast<std::size_t>(classes);
  QUARTIC_ASSERT(z.size() == labels.size() * width);
  QUARTIC_ASSERT(gradient.empty() || gradient.size() == z.size());
  LossSum sum;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    T* const line = gradient.empty() ? nullptr : gradient.data() + row * width;
    auto const loss = cross_entropy(z.subspan(row * width, width),
                                    static_cast<std::size_t>(labels[row]), scale, line);
    sum.value += double{loss.value};
    sum.correct += loss.correct ? 1 : 0;
  }
  return sum;
}

#define QUARTIC_INSTANTIATE(T)                                                             \
  template LossSum squared_error(std::span<T const>, std::span<T const>, T, std::span<T>); \
  template LossSum log_loss(std::span<T const>, std::span<T const>, T, std::span<T>);      \
  template LossSum softmax_cross_entropy(std::int64_t, std::span<T const>,                 \
                                         std::span<std::int32_t const>, T, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
