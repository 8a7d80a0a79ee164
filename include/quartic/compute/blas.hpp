#pragma once

#include <string>

/// The library behind the dense products: what a run records of it, and its threads.
namespace quartic::compute {

/// Threads of this process that one product may use. A run asks for one a rank unless told
/// otherwise: the threads of several ranks on one machine pile up.
void set_blas_threads(int threads);
int blas_threads();

/// Name, version and build options of the library.
std::string blas_description();

/// Name, version and file of the library, for an error message.
std::string blas_library();

/// The processor type whose kernels the library computes with: results are bitwise for one type
/// only. "unknown" where the library is not OpenBLAS.
std::string blas_core();

/// Whether OPENBLAS_CORETYPE chooses between kernels for several x86-64 processors.
bool blas_has_several_kernels();

}  // namespace quartic::compute
