#pragma once

#include <span>

/// Activation functions, elementwise, and their derivatives. T is float or double. All arguments
/// have one length; NaN stays NaN.
namespace quartic::compute {

/// y = max(x, 0).
template <class T>
void relu_forward(std::span<T const> x, std::span<T> y);

/// dx = dy where x > 0, else 0. dx may be dy.
template <class T>
void relu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx);

/// y = tanh(x).
template <class T>
void tanh_forward(std::span<T const> x, std::span<T> y);

/// dx = dy (1 - y²), with y what tanh_forward returned. dx may be dy.
template <class T>
void tanh_backward(std::span<T const> y, std::span<T const> dy, std::span<T> dx);

/// y = x Φ(x), Φ the standard normal distribution: the exact form with erf (Hendrycks and Gimpel
/// 2016, "Gaussian error linear units"), PyTorch's default.
template <class T>
void gelu_forward(std::span<T const> x, std::span<T> y);

/// dx = dy (Φ(x) + x φ(x)). dx may be dy.
template <class T>
void gelu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx);

}  // namespace quartic::compute
