// The plain forms of activations, losses and updates.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>

#include "quartic/compute/reference.hpp"

namespace quartic::compute::reference {
namespace {

/// Of one element of a gradient; NaN unless what its update has written is finite.
template <class T>
double square_of(double g, std::initializer_list<T> written) {
  for (T const value : written) {
    if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
  }
  return g * g;
}

}  // namespace

template <class T>
void relu_forward(std::span<T const> x, std::span<T> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] > 0 || std::isnan(x[i]) ? x[i] : T(0);
}

template <class T>
void relu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  for (std::size_t i = 0; i < x.size(); ++i) dx[i] = x[i] > 0 || std::isnan(x[i]) ? dy[i] : T(0);
}

template <class T>
void tanh_forward(std::span<T const> x, std::span<T> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = static_cast<T>(std::tanh(double{x[i]}));
}

template <class T>
void tanh_backward(std::span<T const> y, std::span<T const> dy, std::span<T> dx) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    dx[i] = static_cast<T>(double{dy[i]} * (1 - double{y[i]} * double{y[i]}));
  }
}

template <class T>
void gelu_forward(std::span<T const> x, std::span<T> y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = static_cast<T>(double{x[i]} * std::erfc(double{-x[i]} / std::numbers::sqrt2) / 2);
  }
}

template <class T>
void gelu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const at = double{x[i]};
    double const density = std::exp(-at * at / 2) / std::sqrt(2 * std::numbers::pi);
    double const slope = std::erfc(-at / std::numbers::sqrt2) / 2 + at * density;
    dx[i] = static_cast<T>(double{dy[i]} * slope);
  }
}

template <class T>
LossSum squared_error(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  LossSum sum{0, std::numeric_limits<double>::quiet_NaN()};
  for (std::size_t i = 0; i < z.size(); ++i) {
    double const difference = double{z[i]} - double{y[i]};
    sum.value += difference * difference / 2;
    if (!gradient.empty()) gradient[i] = static_cast<T>(double{scale} * difference);
  }
  return sum;
}

template <class T>
LossSum log_loss(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient) {
  LossSum sum;
  for (std::size_t i = 0; i < z.size(); ++i) {
    double const at = double{z[i]};
    double const label = double{y[i]};
    sum.correct += (at > 0) == (label == 1) ? 1 : 0;
    sum.value += std::max(at, 0.0) + std::log1p(std::exp(-std::abs(at))) - label * at;
    if (!gradient.empty()) {
      gradient[i] = static_cast<T>(double{scale} * (1 / (1 + std::exp(-at)) - label));
    }
  }
  return sum;
}

template <class T>
LossSum softmax_cross_entropy(std::int64_t classes, std::span<T const> z,
                              std::span<std::int32_t const> labels, T scale,
                              std::span<T> gradient) {
  LossSum sum;
  for (std::int64_t row = 0; row < std::ssize(labels); ++row) {
    auto const line = z.begin() + row * classes;
    auto const largest = std::max_element(line, line + classes);
    std::int64_t const label = labels[static_cast<std::size_t>(row)];
    double const top = double{*largest};
    double weights = 0;
    for (std::int64_t c = 0; c < classes; ++c) weights += std::exp(double{line[c]} - top);
    sum.correct += largest - line == label ? 1 : 0;
    sum.value += std::log(weights) + top - double{line[label]};
    if (gradient.empty()) continue;
    for (std::int64_t c = 0; c < classes; ++c) {
      double const share = std::exp(double{line[c]} - top) / weights;
      gradient[static_cast<std::size_t>(row * classes + c)] =
          static_cast<T>(double{scale} * (share - (c == label ? 1 : 0)));
    }
  }
  return sum;
}

template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    double const g = double{gradient[i]};
    double const w = double{from[i]};
    to[i] = static_cast<T>(w - step.learning_rate * (g + step.weight_decay * w));
    gradient[i] = 0;
    sum += square_of(g, {to[i]});
  }
  return sum;
}

template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    double const g = double{gradient[i]};
    double const w = double{from[i]};
    double const decayed = g + step.weight_decay * w;
    double const v = step.momentum * double{velocity[i]} + decayed;
    velocity[i] = static_cast<T>(v);
    to[i] =
        static_cast<T>(w - step.learning_rate * (step.nesterov ? decayed + step.momentum * v : v));
    gradient[i] = 0;
    sum += square_of(g, {to[i], velocity[i]});
  }
  return sum;
}

template <class T>
double adam_update(AdamStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient,
                   std::span<T> m, std::span<T> v) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    double const g = gradient[i];
    double const first = step.beta1 * double{m[i]} + (1 - step.beta1) * g;
    double const second = step.beta2 * double{v[i]} + (1 - step.beta2) * g * g;
    double const direction = step.of_gradient * g + step.of_moment * first;
    double const length = std::sqrt(step.correction * second) + step.epsilon;
    to[i] = static_cast<T>(step.keep * double{from[i]} - direction / length);
    m[i] = static_cast<T>(first);
    v[i] = static_cast<T>(second);
    gradient[i] = 0;
    sum += square_of(g, {to[i], m[i], v[i]});
  }
  return sum;
}

#define QUARTIC_INSTANTIATE(T)                                                                  \
  template void relu_forward(std::span<T const>, std::span<T>);                                 \
  template void relu_backward(std::span<T const>, std::span<T const>, std::span<T>);            \
  template void tanh_forward(std::span<T const>, std::span<T>);                                 \
  template void tanh_backward(std::span<T const>, std::span<T const>, std::span<T>);            \
  template void gelu_forward(std::span<T const>, std::span<T>);                                 \
  template void gelu_backward(std::span<T const>, std::span<T const>, std::span<T>);            \
  template LossSum squared_error(std::span<T const>, std::span<T const>, T, std::span<T>);      \
  template LossSum log_loss(std::span<T const>, std::span<T const>, T, std::span<T>);           \
  template LossSum softmax_cross_entropy(std::int64_t, std::span<T const>,                      \
                                         std::span<std::int32_t const>, T, std::span<T>);       \
  template double sgd_update(SgdStep, std::span<T const>, std::span<T>, std::span<T>);          \
  template double momentum_update(MomentumStep, std::span<T const>, std::span<T>, std::span<T>, \
                                  std::span<T>);                                                \
  template double adam_update(AdamStep, std::span<T const>, std::span<T>, std::span<T>,         \
                              std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute::reference
