// Sparse products on the device. Going forward a warp has a row; the transpose has a thread for
// each sum, which finds its column in every row, where columns ascend, by halving.
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

// The entry of a row in that column, or -1.
template <class T>
std::int64_t entry_of(CompressedRows<T> const& a, std::int64_t row, std::int64_t column) {
  std::int64_t begin = a.row_begin[row];
  std::int64_t const end = a.row_begin[row + 1];
  std::int64_t count = end - begin;
  while (count > 0) {
    std::int64_t const half = count / 2;
    bool const is_before = a.column[begin + half] < column;
    begin = is_before ? begin + half + 1 : begin;
    count = is_before ? count - half - 1 : half;
  }
  return begin < end && a.column[begin] == column ? begin : -1;
}

}  // namespace

template <class T>
void spmv_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  spmm_add<T>(a, 1, x, y);
}

template <class T>
void spmv_transposed_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y) {
  spmm_transposed_add<T>(a, 1, x, y);
}

template <class T>
void spmm_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x, std::span<T> y) {
  if (!on_device()) return host::spmm_add(a, vectors, x, y);
  Kernel const kernel(a, x, y);
  for_each_row(a.rows * vectors, [=, x = x.data(), y = y.data()](std::int64_t i) {
    std::int64_t const row = i % a.rows;
    std::int64_t const vector = i / a.rows;
    std::int64_t const first = a.row_begin[row];
    y[i] += row_sum<T>(a.row_begin[row + 1] - first, [=](std::int64_t entry) {
      return a.values[first + entry] * x[a.column[first + entry] * vectors + vector];
    });
  });
}

template <class T>
void spmm_transposed_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x,
                         std::span<T> y) {
  if (!on_device()) return host::spmm_transposed_add(a, vectors, x, y);
  Kernel const kernel(a, x, y);
  for_each(a.columns * vectors, [=, x = x.data(), y = y.data()](std::int64_t i) {
    T sum = y[i];
    for (std::int64_t row = 0; row < a.rows; ++row) {
      std::int64_t const entry = entry_of(a, row, i / vectors);
      if (entry >= 0) sum += a.values[entry] * x[i % vectors * a.rows + row];
    }
    y[i] = sum;
  });
}

#define QUARTIC_INSTANTIATE(T)                                                               \
  template void spmv_add(CompressedRows<T>, std::span<T const>, std::span<T>);               \
  template void spmv_transposed_add(CompressedRows<T>, std::span<T const>, std::span<T>);    \
  template void spmm_add(CompressedRows<T>, std::int64_t, std::span<T const>, std::span<T>); \
  template void spmm_transposed_add(CompressedRows<T>, std::int64_t, std::span<T const>,     \
                                    std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
