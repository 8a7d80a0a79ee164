#pragma once

#include <cstdint>
#include <span>

#include "quartic/compute/matrix.hpp"

/// Passes over vectors and rows. T is float or double. Sums are taken in double, in a fixed order
/// that depends on the length alone.
namespace quartic::compute {

/// to = from; the two have one length and do not overlap.
template <class T>
void copy(std::span<T const> from, std::span<T> to);

template <class T>
void fill(T value, std::span<T> to);

/// y = alpha y.
template <class T>
void scale(T alpha, std::span<T> y);

/// y += alpha x.
template <class T>
void add_scaled(T alpha, std::span<T const> x, std::span<T> y);

/// Σ x_i y_i.
template <class T>
double dot(std::span<T const> x, std::span<T const> y);

/// Σ x_i².
template <class T>
double sum_of_squares(std::span<T const> x);

/// Σ (x_i - y_i)².
template <class T>
double squared_distance(std::span<T const> x, std::span<T const> y);

/// Whether no x_i is infinite or NaN.
template <class T>
bool is_finite(std::span<T const> x);

/// Every row of y becomes `row` [columns]: the bias that a product is added to.
template <class T>
void fill_rows(std::span<T const> row, Matrix<T> y);

/// sum(column) += Σ_row x(row, column), rows ascending: the gradient of a bias.
template <class T>
void add_column_sums(ConstMatrix<T> x, std::span<T> sum);

/// to [columns, rows] = fromᵀ, with from [rows, columns] as it lies in memory.
template <class T>
void transpose(ConstMatrix<T> from, std::span<T> to);

}  // namespace quartic::compute
