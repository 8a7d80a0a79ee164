#pragma once

#include <cstdint>
#include <span>

/// Losses with the gradients they start from. T is float or double; sums are taken in double, in a
/// fixed order. `scale` multiplies the gradient alone: it carries 1/rows and 1/M. An empty
/// `gradient` asks for the loss alone.
namespace quartic::compute {

/// Sums over the rows.
struct LossSum {
  double value = 0;
  double correct = 0;  ///< rows classified rightly; NaN where that has no meaning
};

/// Σ ½(z - y)²; gradient = scale (z - y). `gradient` may be z.
template <class T>
LossSum squared_error(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient);

/// Σ log(1 + exp(z)) - y z for labels y of 0 and 1, without overflow;
/// gradient = scale (σ(z) - y). A row is right where z > 0 says what y says. `gradient` may be z.
template <class T>
LossSum log_loss(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient);

/// Σ_row log Σ_c exp(z(row, c)) - z(row, label), shifted by the row's largest z;
/// gradient(row, c) = scale (softmax(z)(row, c) - [c = label]). The first largest z is the class
/// chosen. z and gradient are [labels, classes]; `gradient` may be z.
template <class T>
LossSum softmax_cross_entropy(std::int64_t classes, std::span<T const> z,
                              std::span<std::int32_t const> labels, T scale, std::span<T> gradient);

}  // namespace quartic::compute
