#include "quartic/compute/reference.hpp"

namespace quartic::compute::reference {
namespace {

template <class T>
double element(ConstMatrix<T> const& a, std::int64_t row, std::int64_t column) {
  std::int64_t const place = a.is_transposed ? column * a.stride + row : row * a.stride + column;
  return double{a.values[place]};
}

// y = alpha sum + beta y, where an old y that counts for nothing may be NaN.
template <class T>
void accumulate(T alpha, double sum, T beta, T& y) {
  double const old = beta == 0 ? 0 : double{beta} * double{y};
  y = static_cast<T>(double{alpha} * sum + old);
}

// Calls visit(row, column, value) for every entry.
template <class T, class Visit>
void for_entries(CompressedRows<T> const& a, Visit visit) {
  for (std::int64_t row = 0; row < a.rows; ++row) {
    for (std::int64_t entry = a.row_begin[row]; entry < a.row_begin[row + 1]; ++entry) {
      visit(row, std::int64_t{a.column[entry]}, a.values[entry]);
    }
  }
}

std::size_t index(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

template <class T>
void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c) {
  for (std::int64_t row = 0; row < c.rows; ++row) {
    for (std::int64_t column = 0; column < c.columns; ++column) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.product_columns(); ++k) {
        sum += element(a, row, k) * element(b, k, column);
      }
      accumulate(alpha, sum, beta, c.values[row * c.stride + column]);
    }
  }
}

template <class T>
void gemv(T alpha, ConstMatrix<T> a, std::span<T const> x, T beta, std::span<T> y) {
  for (std::int64_t row = 0; row < a.product_rows(); ++row) {
    double sum = 0;
    for (std::int64_t k = 0; k < a.product_columns(); ++k) {
      sum += element(a, row, k) * double{x[index(k)]};
    }
    accumulate(alpha, sum, beta, y[index(row)]);
  }
}

template <class T>
void spmv_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  for_entries(a, [&](std::int64_t row, std::int64_t column, T value) {
    y[index(row)] += value * x[index(column)];
  });
}

template <class T>
void spmv_transposed_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  for_entries(a, [&](std::int64_t row, std::int64_t column, T value) {
    y[index(column)] += value * x[index(row)];
  });
}

template <class T>
void spmm_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x, std::span<T> y) {
  for_entries(a, [&](std::int64_t row, std::int64_t column, T value) {
    for (std::int64_t v = 0; v < vectors; ++v) {
      y[index(v * a.rows + row)] += value * x[index(column * vectors + v)];
    }
  });
}

template <class T>
void spmm_transposed_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x,
                         std::span<T> y) {
  for_entries(a, [&](std::int64_t row, std::int64_t column, T value) {
    for (std::int64_t v = 0; v < vectors; ++v) {
      y[index(column * vectors + v)] += value * x[index(v * a.rows + row)];
    }
  });
}

template <class T>
double dot(std::span<T const> x, std::span<T const> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += double{x[i]} * double{y[i]};
  return sum;
}

template <class T>
double squared_distance(std::span<T const> x, std::span<T const> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += (double{x[i]} - double{y[i]}) * (double{x[i]} - double{y[i]});
  }
  return sum;
}

template <class T>
void fill_rows(std::span<T const> row, Matrix<T> y) {
  for (std::int64_t r = 0; r < y.rows; ++r) {
    for (std::int64_t c = 0; c < y.columns; ++c) y.values[r * y.stride + c] = row[index(c)];
  }
}

template <class T>
void add_column_sums(ConstMatrix<T> x, std::span<T> sum) {
  for (std::int64_t c = 0; c < x.columns; ++c) {
    for (std::int64_t row = 0; row < x.rows; ++row) sum[index(c)] += x.values[row * x.stride + c];
  }
}

#define QUARTIC_INSTANTIATE(T)                                                               \
  template void gemm(T, ConstMatrix<T>, ConstMatrix<T>, T, Matrix<T>);                       \
  template void gemv(T, ConstMatrix<T>, std::span<T const>, T, std::span<T>);                \
  template void spmv_add(CompressedRows<T>, std::span<T const>, std::span<T>);               \
  template void spmv_transposed_add(CompressedRows<T>, std::span<T const>, std::span<T>);    \
  template void spmm_add(CompressedRows<T>, std::int64_t, std::span<T const>, std::span<T>); \
  template void spmm_transposed_add(CompressedRows<T>, std::int64_t, std::span<T const>,     \
                                    std::span<T>);                                           \
  template double dot(std::span<T const>, std::span<T const>);                               \
  template double squared_distance(std::span<T const>, std::span<T const>);                  \
  template void fill_rows(std::span<T const>, Matrix<T>);                                    \
  template void add_column_sums(ConstMatrix<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute::reference
