// The main of the benchmarks: Google Benchmark's, with the BLAS kernels that quartic would have.
#include <benchmark/benchmark.h>

#include "quartic/compute/blas.hpp"
#include "quartic/compute/blas_start.hpp"

int main(int argc, char** argv) {
  quartic::compute::start_blas(argv);
  quartic::compute::require_blas();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("blas_core", quartic::compute::blas_core());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
