#pragma once

#include <string>

/// The library behind the dense products: what a run records of it, and its threads.
namespace quartic::compute {

/// Threads of this process that one product may use. A run asks for one a rank unless told
/// otherwise: the threads of several ranks on one machine pile up.
void set_blas_threads(int threads);

/// Name, version and build options of the library.
std::string blas_description();

/// The processor type whose kernels the library has chosen: results are bitwise for one type only.
std::string blas_core();

}  // namespace quartic::compute
