// The passes of a language model that are no products, in bytes read and written a second: in the
// second-level cache and in memory, next to memcpy. What is as fast in the cache as in memory is
// limited by its instructions, not by the memory.
#include <benchmark/benchmark.h>

#include <cstring>
#include <span>
#include <vector>

#include "quartic/compute/activation.hpp"
#include "quartic/compute/attention.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/compute/update.hpp"

namespace quartic::compute {
namespace {

using Floats = std::vector<float>;

constexpr std::int64_t width = 256;  // of rows, of attention's keys, of the vocabulary

Floats some(std::int64_t size) {
  Floats values(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1e-3F * static_cast<float>(i % 997);
  return values;
}

/// Times `pass`, which reads and writes `arrays` arrays of the state's number of floats.
template <class Pass>
void time(benchmark::State& state, std::int64_t arrays, Pass pass) {
  for (auto _ : state) {
    pass();
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * arrays * state.range(0) * 4);
}

void memory_copy(benchmark::State& state) {
  Floats const x = some(state.range(0));
  Floats y = x;
  time(state, 2, [&] { std::memcpy(y.data(), x.data(), x.size() * sizeof(float)); });
}

void layer_norm(benchmark::State& state) {
  Floats const x = some(state.range(0));
  Floats const weight = some(width);
  Floats y = x;
  Floats statistics = some(2 * state.range(0) / width);
  time(state, 2, [&] { layer_norm_forward<float>(x, weight, weight, y, statistics); });
}

void layer_norm_backward(benchmark::State& state) {
  Floats const x = some(state.range(0));
  Floats const weight = some(width);
  Floats y = x;
  Floats statistics = some(2 * state.range(0) / width);
  layer_norm_forward<float>(x, weight, weight, y, statistics);
  Floats const dy = some(state.range(0));
  time(state, 3, [&] { layer_norm_backward_input<float>(x, weight, statistics, dy, y); });
}

void gelu(benchmark::State& state) {
  Floats const x = some(state.range(0));
  Floats y = x;
  time(state, 2, [&] { gelu_forward<float>(x, y); });
}

void gelu_derivative(benchmark::State& state) {
  Floats const x = some(state.range(0));
  Floats const dy = some(state.range(0));
  Floats dx = x;
  time(state, 3, [&] { gelu_backward<float>(x, dy, dx); });
}

/// Queries that all see at least half of the keys, in place.
void softmax(benchmark::State& state) {
  Floats scores = some(state.range(0));
  std::int64_t const rows = state.range(0) / width;
  time(state, 2, [&] {
    for (std::int64_t first = 0; first < rows; first += width / 2) {
      causal_softmax<float>(width / 2, 0.125F, {scores.data() + first * width, width / 2, width});
    }
  });
}

void softmax_derivative(benchmark::State& state) {
  Floats const p = some(state.range(0));
  Floats gradient = some(state.range(0));
  std::int64_t const rows = state.range(0) / width;
  time(state, 3, [&] {
    for (std::int64_t first = 0; first < rows; first += width / 2) {
      causal_softmax_backward<float>(width / 2, 0.125F,
                                     {p.data() + first * width, width / 2, width},
                                     {gradient.data() + first * width, width / 2, width});
    }
  });
}

void cross_entropy(benchmark::State& state) {
  Floats const z = some(state.range(0));
  Floats gradient = z;
  std::vector<std::int32_t> const labels(static_cast<std::size_t>(state.range(0) / width), 7);
  time(state, 2, [&] {
    benchmark::DoNotOptimize(softmax_cross_entropy<float>(width, z, labels, 1, gradient));
  });
}

/// Reads and writes the weights and both moments, reads the gradient and leaves zeros: so the
/// moments must not fade, or they end as denormals.
void adamw(benchmark::State& state) {
  Floats w = some(state.range(0));
  Floats gradient = w;
  Floats m = w;
  Floats v = w;
  AdamStep const step{.beta1 = 1, .beta2 = 1, .epsilon = 1e-8, .of_moment = 1e-9};
  time(state, 8, [&] { benchmark::DoNotOptimize(adam_update<float>(step, w, w, gradient, m, v)); });
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("size")->Arg(1 << 15)->Arg(1 << 23);  // 128 KiB, 32 MiB
}

BENCHMARK(memory_copy)->Apply(sizes);
BENCHMARK(layer_norm)->Apply(sizes);
BENCHMARK(layer_norm_backward)->Apply(sizes);
BENCHMARK(gelu)->Apply(sizes);
BENCHMARK(gelu_derivative)->Apply(sizes);
BENCHMARK(softmax)->Apply(sizes);
BENCHMARK(softmax_derivative)->Apply(sizes);
BENCHMARK(cross_entropy)->Apply(sizes);
BENCHMARK(adamw)->Apply(sizes);

}  // namespace
}  // namespace quartic::compute
