// The dense products on the host: OpenBLAS, or another library with the interface cblas.h.
#include <cblas.h>
#include <dlfcn.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "quartic/compute/blas.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/core/check.hpp"

// Each library has its own; null where another one is linked.
extern "C" {
[[gnu::weak]] char* openblas_get_config();            // NOLINT(readability-redundant-declaration)
[[gnu::weak]] char* openblas_get_corename();          // NOLINT(readability-redundant-declaration)
[[gnu::weak]] void openblas_set_num_threads(int);     // NOLINT(readability-redundant-declaration)
[[gnu::weak]] int openblas_get_num_threads();         // NOLINT(readability-redundant-declaration)
[[gnu::weak]] void MKL_Set_Num_Threads(int);          // NOLINT(readability-identifier-naming)
[[gnu::weak]] int MKL_Get_Max_Threads();              // NOLINT(readability-identifier-naming)
[[gnu::weak]] void bli_thread_set_num_threads(long);  // NOLINT: BLIS has its own integers
[[gnu::weak]] long bli_thread_get_num_threads();      // NOLINT
}

namespace QUARTIC_HOST_KERNELS {
namespace {

// The libraries' type, where it is 64 bits wide, takes an int too.
int blas_size(std::int64_t size) {
  if (size > std::numeric_limits<int>::max()) {
    failure("a matrix dimension of {} is too large for BLAS; at most 2147483647", size);
  }
  return static_cast<int>(size);
}

template <class T>
CBLAS_TRANSPOSE transpose_flag(ConstMatrix<T> const& matrix) {
  return matrix.is_transposed ? CblasTrans : CblasNoTrans;
}

// BLAS refuses a stride of 0, which an empty matrix has.
int leading(std::int64_t stride) {
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
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
  if (MKL_Set_Num_Threads != nullptr) MKL_Set_Num_Threads(threads);
  if (bli_thread_set_num_threads != nullptr) bli_thread_set_num_threads(threads);
}

int blas_threads() {
  if (openblas_get_num_threads != nullptr) return openblas_get_num_threads();
  if (MKL_Get_Max_Threads != nullptr) return MKL_Get_Max_Threads();
  if (bli_thread_get_num_threads != nullptr) return static_cast<int>(bli_thread_get_num_threads());
  return 1;
}

std::string blas_description() {
  return openblas_get_config != nullptr ? openblas_get_config() : blas_library();
}

std::string blas_library() {
  Dl_info info{};
  bool const found = dladdr(reinterpret_cast<void*>(&cblas_dgemm), &info) != 0;
  std::string file = found && info.dli_fname != nullptr ? info.dli_fname : "BLAS";
  if (openblas_get_config == nullptr) return file;
  std::string const words = openblas_get_config();  // "OpenBLAS 0.3.21 …"
  return words.substr(0, words.find(' ', words.find(' ') + 1)) + " (" + file + ")";
}

std::string blas_core() {
  return openblas_get_corename != nullptr ? openblas_get_corename() : "unknown";
}

bool blas_has_several_kernels() {
  if (openblas_get_corename == nullptr || openblas_get_config == nullptr) return false;
#if defined(__x86_64__)
  return std::string(openblas_get_config()).find("DYNAMIC_ARCH") != std::string::npos;
#else
  return false;  // the names of kernels (kernel_choice.cpp) are those for x86-64
#endif
}

}  // namespace quartic::compute
