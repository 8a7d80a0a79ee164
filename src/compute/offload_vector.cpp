// Passes over vectors and rows on the device.
#include "elementary.hpp"
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {

template <class T>
void copy(std::span<T const> from, std::span<T> to) {
  if (!on_device()) return host::copy(from, to);
  Kernel const kernel(from, to);
  if (!to.empty()) copy_within(to.data(), from.data(), static_cast<std::int64_t>(to.size_bytes()));
}

template <class T>
void fill(T value, std::span<T> to) {
  if (!on_device()) return host::fill(value, to);
  Kernel const kernel(to);
  for_each(std::ssize(to), [=, to = to.data()](std::int64_t i) { to[i] = value; });
}

template <class T>
void scale(T alpha, std::span<T> y) {
  if (!on_device()) return host::scale(alpha, y);
  Kernel const kernel(y);
  for_each(std::ssize(y), [=, y = y.data()](std::int64_t i) { y[i] *= alpha; });
}

template <class T>
void add_scaled(T alpha, std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::add_scaled(alpha, x, y);
  Kernel const kernel(x, y);
  for_each(std::ssize(y),
           [=, x = x.data(), y = y.data()](std::int64_t i) { y[i] += alpha * x[i]; });
}

template <class T>
double dot(std::span<T const> x, std::span<T const> y) {
  if (!on_device()) return host::dot(x, y);
  Kernel const kernel(x, y);
  return sum_over<double>(std::ssize(x), [x = x.data(), y = y.data()](std::int64_t i) {
    return double{x[i]} * double{y[i]};
  });
}

template <class T>
double sum_of_squares(std::span<T const> x) {
  return dot<T>(x, x);
}

template <class T>
double squared_distance(std::span<T const> x, std::span<T const> y) {
  if (!on_device()) return host::squared_distance(x, y);
  Kernel const kernel(x, y);
  return sum_over<double>(std::ssize(x), [x = x.data(), y = y.data()](std::int64_t i) {
    double const difference = double{x[i]} - double{y[i]};
    return difference * difference;
  });
}

template <class T>
bool is_finite(std::span<T const> x) {
  if (!on_device()) return host::is_finite(x);
  Kernel const kernel(x);
  return sum_over<T>(std::ssize(x), [x = x.data()](std::int64_t i) { return nothing(x[i]); }) == 0;
}

template <class T>
void fill_rows(std::span<T const> row, Matrix<T> y) {
  if (!on_device()) return host::fill_rows(row, y);
  Kernel const kernel(row, y);
  for_each(y.rows * y.columns, [=, from = row.data()](std::int64_t i) {
    y.values[i / y.columns * y.stride + i % y.columns] = from[i % y.columns];
  });
}

template <class T>
void add_column_sums(ConstMatrix<T> x, std::span<T> sum) {
  if (!on_device()) return host::add_column_sums(x, sum);
  Kernel const kernel(x, sum);
  add_over_rows(x.rows, x.columns, sum.data(), [=](std::int64_t row, std::int64_t column) {
    return x.values[row * x.stride + column];
  });
}

template <class T>
void transpose(ConstMatrix<T> from, std::span<T> to) {
  if (!on_device()) return host::transpose(from, to);
  Kernel const kernel(from, to);
  for_each(std::ssize(to), [=, to = to.data()](std::int64_t i) {
    to[i] = from.values[i % from.rows * from.stride + i / from.rows];
  });
}

#define QUARTIC_INSTANTIATE(T)                                              \
  template void copy(std::span<T const>, std::span<T>);                     \
  template void fill(T, std::span<T>);                                      \
  template void scale(T, std::span<T>);                                     \
  template void add_scaled(T, std::span<T const>, std::span<T>);            \
  template double dot(std::span<T const>, std::span<T const>);              \
  template double sum_of_squares(std::span<T const>);                       \
  template double squared_distance(std::span<T const>, std::span<T const>); \
  template bool is_finite(std::span<T const>);                              \
  template void fill_rows(std::span<T const>, Matrix<T>);                   \
  template void add_column_sums(ConstMatrix<T>, std::span<T>);              \
  template void transpose(ConstMatrix<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
