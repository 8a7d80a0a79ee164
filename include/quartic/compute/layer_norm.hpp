#pragma once

#include <cstdint>
#include <span>

/// Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over rows of `width` numbers: with μ and
/// σ² the mean and the (biased) variance of a row, x̂ = (x - μ) / √(σ² + 1e-5), y = weight x̂ + bias.
/// T is float or double; sums are taken in T, in a fixed order.
namespace quartic::compute {

/// x, y: [rows, width]; weight, bias: [width]; statistics: [rows, 2], μ and 1/√(σ² + 1e-5), which
/// the backward needs.
template <class T>
void layer_norm_forward(std::span<T const> x, std::span<T const> weight, std::span<T const> bias,
                        std::span<T> y, std::span<T> statistics);

/// dx = (g - mean(g) - x̂ mean(g x̂)) / √(σ² + 1e-5) with g = weight dy.
template <class T>
void layer_norm_backward_input(std::span<T const> x, std::span<T const> weight,
                               std::span<T const> statistics, std::span<T const> dy,
                               std::span<T> dx);

/// dweight += Σ_row dy x̂, dbias += Σ_row dy, rows ascending.
template <class T>
void layer_norm_backward_weight(std::span<T const> x, std::span<T const> statistics,
                                std::span<T const> dy, std::span<T> dweight, std::span<T> dbias);

}  // namespace quartic::compute
