#pragma once

#include <span>

#include "quartic/compute/matrix.hpp"

/// Dense products. T is float or double. Where beta is 0 the old result is not read, so it may be
/// anything, NaN included. The result depends on values and shapes alone, not on where they lie.
namespace quartic::compute {

/// c = alpha a b + beta c. `c` may not overlap `a` or `b`.
template <class T>
void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c);

/// y = alpha a x + beta y. `y` may not overlap `a` or `x`.
template <class T>
void gemv(T alpha, ConstMatrix<T> a, std::span<T const> x, T beta, std::span<T> y);

}  // namespace quartic::compute
