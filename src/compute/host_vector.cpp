// Passes over vectors and rows on the host.
#include <algorithm>

#include "elementary.hpp"
#include "host_lanes.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {

// Some processors (Zen 3 and 4) move whole buffers at a fraction of their speed where the two ends
// lie alike within a page: the C library's long copies use an instruction that suffers from it, its
// short ones do not.
template <class T>
void copy(std::span<T const> from, std::span<T> to) {
  QUARTIC_ASSERT(from.size() == to.size());
  constexpr std::size_t piece = 2048 / sizeof(T);
  for (std::size_t first = 0; first < from.size(); first += piece) {
    std::size_t const count = std::min(piece, from.size() - first);
    std::copy_n(from.data() + first, count, to.data() + first);
  }
}

template <class T>
void fill(T value, std::span<T> to) {
  std::fill(to.begin(), to.end(), value);
}

template <class T>
void scale(T alpha, std::span<T> y) {
  for (T& value : y) value *= alpha;
}

template <class T>
void add_scaled(T alpha, std::span<T const> x, std::span<T> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += alpha * x[i];
}

template <class T>
double dot(std::span<T const> x, std::span<T const> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  return sum_in_lanes(x.size(), [=](std::size_t i) { return double{x[i]} * double{y[i]}; });
}

template <class T>
double sum_of_squares(std::span<T const> x) {
  return dot<T>(x, x);
}

template <class T>
double squared_distance(std::span<T const> x, std::span<T const> y) {
  QUARTIC_ASSERT(x.size() == y.size());
  return sum_in_lanes(x.size(), [=](std::size_t i) {
    double const difference = double{x[i]} - double{y[i]};
    return difference * difference;
  });
}

template <class T>
bool is_finite(std::span<T const> x) {
  return sum_of_row<T>(x.size(), [=](std::size_t i) { return nothing(x[i]); }) == 0;
}

template <class T>
void fill_rows(std::span<T const> row, Matrix<T> y) {
  QUARTIC_ASSERT(std::ssize(row) == y.columns);
  for (std::int64_t r = 0; r < y.rows; ++r) {
    std::copy(row.begin(), row.end(), y.values + r * y.stride);
  }
}

template <class T>
void add_column_sums(ConstMatrix<T> x, std::span<T> sum) {
  QUARTIC_ASSERT(std::ssize(sum) == x.columns);
  for (std::int64_t row = 0; row < x.rows; ++row) {
    T const* const line = x.values + row * x.stride;
    for (std::size_t column = 0; column < sum.size(); ++column) sum[column] += line[column];
  }
}

template <class T>
void transpose(ConstMatrix<T> from, std::span<T> to) {
  QUARTIC_ASSERT(std::ssize(to) == from.rows * from.columns);
  for (std::int64_t column = 0; column < from.columns; ++column) {
    T* const line = to.data() + column * from.rows;
    for (std::int64_t row = 0; row < from.rows; ++row) {
      line[row] = from.values[row * from.stride + column];
    }
  }
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

}  // namespace QUARTIC_HOST_KERNELS
