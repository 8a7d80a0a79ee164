#include "support/start.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "quartic/compute/blas_start.hpp"

void start_products(char** words) {
  quartic::compute::start_blas(words);
  try {
    quartic::compute::require_blas();
  } catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(1);
  }
}
