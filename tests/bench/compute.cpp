// The kernels: products in FLOP/s, passes over vectors in bytes/s, next to memcpy and to the plain
// reference.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/convolution.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/reference.hpp"
#include "quartic/compute/update.hpp"

namespace quartic::compute {
namespace {

constexpr double tiny = 1e-9;  // keeps repeated updates finite

template <class T>
std::vector<T> ones(std::int64_t size) {
  return std::vector<T>(static_cast<std::size_t>(size), T{1});
}

void set_flops(benchmark::State& state, std::int64_t flops) {
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}

void set_bytes(benchmark::State& state, std::int64_t bytes) {
  state.SetBytesProcessed(state.iterations() * bytes);
}

/// rows x size times size x size: a microbatch through a layer.
template <class T>
void product(benchmark::State& state,
             void (*kernel)(T, ConstMatrix<T>, ConstMatrix<T>, T, Matrix<T>)) {
  std::int64_t const rows = state.range(0);
  std::int64_t const size = state.range(1);
  std::vector<T> const a = ones<T>(rows * size);
  std::vector<T> const b = ones<T>(size * size);
  std::vector<T> c = ones<T>(rows * size);
  for (auto _ : state) {
    kernel(1, {a.data(), rows, size}, {b.data(), size, size}, 0, {c.data(), rows, size});
    benchmark::ClobberMemory();
  }
  set_flops(state, 2 * rows * size * size);
}

template <class T>
void product_with_vector(benchmark::State& state,
                         void (*kernel)(T, ConstMatrix<T>, std::span<T const>, T, std::span<T>)) {
  std::int64_t const rows = state.range(0);
  std::int64_t const size = state.range(1);
  std::vector<T> const a = ones<T>(rows * size);
  std::vector<T> const x = ones<T>(size);
  std::vector<T> y = ones<T>(rows);
  for (auto _ : state) {
    kernel(1, {a.data(), rows, size}, x, 0, y);
    benchmark::ClobberMemory();
  }
  set_flops(state, 2 * rows * size);
}

/// 16 images through a convolution that keeps their size: the three products of a training pass.
void convolution(benchmark::State& state) {
  constexpr std::int64_t images = 16;
  std::int64_t const channels = state.range(0);
  std::int64_t const side = state.range(1);
  std::int64_t const kernel = state.range(2);
  Convolution const shape{{channels, side, side, kernel, kernel, 1, kernel / 2}, channels};
  std::vector<float> const x = ones<float>(images * shape.window.input_size());
  std::vector<float> y = x;
  std::vector<float> w = ones<float>(channels * shape.window.reach());
  std::vector<float> scratch = ones<float>(scratch_size(shape, images));
  for (auto _ : state) {
    convolution_forward<float>(shape, images, w, x, y, scratch);
    convolution_input_gradient<float>(shape, images, w, x, y, scratch);
    convolution_weight_gradient<float>(shape, images, x, x, w, scratch);
    benchmark::ClobberMemory();
  }
  std::int64_t const outputs = images * channels * side * side;
  set_flops(state, 3 * 2 * outputs * shape.window.reach());
}

/// Reads the weights and the gradient, writes the weights and a gradient of zeros.
template <class T>
void sgd(benchmark::State& state,
         double (*kernel)(SgdStep, std::span<T const>, std::span<T>, std::span<T>)) {
  std::int64_t const size = state.range(0);
  std::vector<T> weights = ones<T>(size);
  std::vector<T> gradient = ones<T>(size);
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel({tiny, 0}, weights, weights, gradient));
  }
  set_bytes(state, 4 * size * static_cast<std::int64_t>(sizeof(T)));
}

template <class T>
void momentum(benchmark::State& state, double (*kernel)(MomentumStep, std::span<T const>,
                                                        std::span<T>, std::span<T>, std::span<T>)) {
  std::int64_t const size = state.range(0);
  std::vector<T> weights = ones<T>(size);
  std::vector<T> gradient = ones<T>(size);
  std::vector<T> velocity = ones<T>(size);
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel({tiny, 0, 0.9}, weights, weights, gradient, velocity));
  }
  set_bytes(state, 6 * size * static_cast<std::int64_t>(sizeof(T)));
}

/// The methods' own passes: what they add to an update.
template <class T>
void blending(benchmark::State& state) {
  std::int64_t const size = state.range(0);
  std::vector<T> const a = ones<T>(size);
  std::vector<T> const b = ones<T>(size);
  std::vector<T> out = ones<T>(size);
  for (auto _ : state) {
    blend<T>(0.25, a, b, out);
    benchmark::ClobberMemory();
  }
  set_bytes(state, 3 * size * static_cast<std::int64_t>(sizeof(T)));
}

template <class T>
void mean_update(benchmark::State& state) {
  std::int64_t const size = state.range(0);
  std::vector<T> const w = ones<T>(size);
  std::vector<T> last = ones<T>(size);
  std::vector<T> u = ones<T>(size);
  for (auto _ : state) {
    add_to_mean_update<T>(0.5, w, last, u);
    benchmark::ClobberMemory();
  }
  set_bytes(state, 5 * size * static_cast<std::int64_t>(sizeof(T)));
}

template <class T>
void bending(benchmark::State& state) {
  std::int64_t const size = state.range(0);
  std::vector<T> const w = ones<T>(size);
  std::vector<T> const velocity = ones<T>(size);
  std::vector<T> out = ones<T>(size);
  std::array<Term<T>, 2> const terms{{{1, w}, {tiny, velocity}}};
  for (auto _ : state) {
    bend<T>(terms, out);
    benchmark::ClobberMemory();
  }
  set_bytes(state, 3 * size * static_cast<std::int64_t>(sizeof(T)));
}

/// Reads and writes.
template <class T>
void memory_copy(benchmark::State& state) {
  std::int64_t const size = state.range(0);
  std::vector<T> const from = ones<T>(size);
  std::vector<T> to = ones<T>(size);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size() * sizeof(T));
    benchmark::ClobberMemory();
  }
  set_bytes(state, 2 * size * static_cast<std::int64_t>(sizeof(T)));
}

void products(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "size"});
  bench->Args({5, 32})->Args({16, 16})->Args({64, 64})->Args({256, 256});
}
void convolutions(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"channels", "side", "kernel"});
  bench->Args({64, 32, 3})->Args({128, 16, 3})->Args({256, 8, 3})->Args({512, 4, 3});
  bench->Args({512, 2, 3})->Args({64, 32, 1})->Args({512, 4, 1});
}
void vectors(benchmark::internal::Benchmark* bench) {
  bench->ArgName("size")->Arg(1 << 10)->Arg(1 << 14)->Arg(1 << 22);  // L1, L2, memory
}

BENCHMARK_CAPTURE(product, float_fast, gemm<float>)->Apply(products)->Args({1024, 1024});
BENCHMARK_CAPTURE(product, float_reference, reference::gemm<float>)->Apply(products);
BENCHMARK_CAPTURE(product, double_fast, gemm<double>)->Apply(products)->Args({1024, 1024});
BENCHMARK_CAPTURE(product, double_reference, reference::gemm<double>)->Apply(products);
BENCHMARK_CAPTURE(product_with_vector, double_fast, gemv<double>)->Apply(products);
BENCHMARK_CAPTURE(product_with_vector, double_reference, reference::gemv<double>)->Apply(products);
BENCHMARK(convolution)->Apply(convolutions);
BENCHMARK(memory_copy<float>)->Apply(vectors);
BENCHMARK(blending<float>)->Apply(vectors);
BENCHMARK(mean_update<float>)->Apply(vectors);
BENCHMARK(bending<float>)->Apply(vectors);
BENCHMARK_CAPTURE(sgd, float_fast, sgd_update<float>)->Apply(vectors);
BENCHMARK_CAPTURE(sgd, float_reference, reference::sgd_update<float>)->Apply(vectors);
BENCHMARK_CAPTURE(momentum, float_fast, momentum_update<float>)->Apply(vectors);
BENCHMARK_CAPTURE(momentum, float_reference, reference::momentum_update<float>)->Apply(vectors);

}  // namespace
}  // namespace quartic::compute
