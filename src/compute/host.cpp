// The dense products on the host: OpenBLAS.
#include <cblas.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "quartic/compute/blas.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

blasint blas_size(std::int64_t size) {
  if (size > std::numeric_limits<blasint>::max()) {
    failure("a matrix side of {} is too long for BLAS", size);
  }
  return static_cast<blasint>(size);
}

template <class T>
CBLAS_TRANSPOSE transpose_flag(ConstMatrix<T> const& matrix) {
  return matrix.is_transposed ? CblasTrans : CblasNoTrans;
}

// BLAS refuses a stride of 0, which an empty matrix has.
blasint leading(std::int64_t stride) {
  return blas_size(std::max<std::int64_t>(stride, 1));
}

}  // namespace

template <class T>
void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c) {
  QUARTIC_ASSERT(a.product_rows() == c.rows && b.product_columns() == c.columns);
  QUARTIC_ASSERT(a.product_columns() == b.product_rows());
  auto const product = [] {
    if constexpr (std::is_same_v<T, float>)
      return cblas_sgemm;
    else
      return cblas_dgemm;
  }();
  product(CblasRowMajor, transpose_flag(a), transpose_flag(b), blas_size(c.rows),
          blas_size(c.columns), blas_size(a.product_columns()), alpha, a.values, leading(a.stride),
          b.values, leading(b.stride), beta, c.values, leading(c.stride));
}

template <class T>
void gemv(T alpha, ConstMatrix<T> a, std::span<T const> x, T beta, std::span<T> y) {
  QUARTIC_ASSERT(a.product_columns() == std::ssize(x) && a.product_rows() == std::ssize(y));
  auto const product = [] {
    if constexpr (std::is_same_v<T, float>)
      return cblas_sgemv;
    else
      return cblas_dgemv;
  }();
  product(CblasRowMajor, transpose_flag(a), blas_size(a.rows), blas_size(a.columns), alpha,
          a.values, leading(a.stride), x.data(), 1, beta, y.data(), 1);
}

template void gemm(float, ConstMatrix<float>, ConstMatrix<float>, float, Matrix<float>);
template void gemm(double, ConstMatrix<double>, ConstMatrix<double>, double, Matrix<double>);
template void gemv(float, ConstMatrix<float>, std::span<float const>, float, std::span<float>);
template void gemv(double, ConstMatrix<double>, std::span<double const>, double, std::span<double>);

}  // namespace QUARTIC_HOST_KERNELS

namespace quartic::compute {

void set_blas_threads(int threads) {
  openblas_set_num_threads(threads);
}

std::string blas_description() {
  return openblas_get_config();
}

std::string blas_core() {
  return openblas_get_corename();
}

}  // namespace quartic::compute
