#include "offload_cublas.hpp"

#include <fmt/format.h>

#include <limits>
#include <type_traits>

#include "shared_library.hpp"

namespace quartic::compute {
namespace {

// What cublas_api.h calls CUBLAS_OP_N, CUBLAS_OP_T and CUBLAS_TF32_TENSOR_OP_MATH.
constexpr int as_it_lies = 0;
constexpr int as_transpose = 1;
constexpr int tf32_math = 3;

template <class T>
using Gemm = int(void*, int, int, int, int, int, T const*, T const*, int, T const*, int, T const*,
                 T*, int);

void require(int status, char const* call) {
  if (status != 0) failure("cuBLAS: {} returned {}", call, status);
}

int side(std::int64_t size) {
  if (size > std::numeric_limits<int>::max()) {
    failure("a matrix dimension of {} is too large for cuBLAS; at most 2147483647", size);
  }
  return static_cast<int>(size);
}

template <class T>
int flag(ConstMatrix<T> const& matrix) {
  return matrix.is_transposed ? as_transpose : as_it_lies;
}

}  // namespace

struct Cublas::Functions {
  explicit Functions(SharedLibrary const& library)
      : of_float(library.function<Gemm<float>>("cublasSgemm_v2")),
        of_double(library.function<Gemm<double>>("cublasDgemm_v2")) {}

  Gemm<float>* of_float;
  Gemm<double>* of_double;
};

std::unique_ptr<Cublas> Cublas::open(bool tf32) {
  SharedLibrary const library{"libcublas.so.13", "libcublas.so.12"};
  if (!library.is_open()) return nullptr;
  std::unique_ptr<Cublas> cublas(new Cublas);
  cublas->functions_ = std::make_shared<Functions>(library);
  require(library.function<int(void**)>("cublasCreate_v2")(&cublas->handle_), "cublasCreate");
  if (tf32) {
    auto const set = library.function<int(void*, int)>("cublasSetMathMode");
    require(set(cublas->handle_, tf32_math), "cublasSetMathMode");
  }
  int version = 0;
  auto const get = library.function<int(void*, int*)>("cublasGetVersion_v2");
  require(get(cublas->handle_, &version), "cublasGetVersion");
  cublas->description_ = fmt::format("cuBLAS {}{}", version, tf32 ? ", TF32" : "");
  return cublas;
}

// cuBLAS counts columns first, so to it our matrices are their transposes: cᵀ = bᵀ aᵀ.
template <class T>
void Cublas::gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c) const {
  Gemm<T>* product = nullptr;
  if constexpr (std::is_same_v<T, float>)
    product = functions_->of_float;
  else
    product = functions_->of_double;
  require(product(handle_, flag(b), flag(a), side(c.columns), side(c.rows),
                  side(a.product_columns()), &alpha, b.values, side(b.stride), a.values,
                  side(a.stride), &beta, c.values, side(c.stride)),
          "gemm");
}

template void Cublas::gemm(float, ConstMatrix<float>, ConstMatrix<float>, float,
                           Matrix<float>) const;
template void Cublas::gemm(double, ConstMatrix<double>, ConstMatrix<double>, double,
                           Matrix<double>) const;

}  // namespace quartic::compute
