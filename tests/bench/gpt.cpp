// A language model of tests/bench/torch_gpt.py's size: its whole step and its parts, in FLOP/s
// where the products count, in bytes/s where memory does.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <functional>

#include "quartic/compute/blas.hpp"
#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/causal_attention.hpp"
#include "quartic/nn/dense.hpp"
#include "quartic/nn/layer_norm.hpp"
#include "quartic/nn/model.hpp"
#include "quartic/nn/optimizer.hpp"

namespace quartic::nn {
namespace {

constexpr std::int64_t vocabulary = 256;
constexpr std::int64_t batch_rows = 8;
constexpr std::int64_t sequence = 128;

struct NoPulse final : Pulse {
  void beat() override {}
};

ModelSpec spec_of(std::int64_t width) {
  ModelSpec spec;
  spec.objective = "gpt";
  spec.rows = batch_rows;
  spec.features = sequence;
  spec.classes = vocabulary;
  spec.labels_a_row = sequence;
  spec.microbatch_size = batch_rows;
  spec.gpt = {4, width, width / 64, sequence};
  return spec;
}

Dataset<float> tokens() {
  DenseFeatures<float> ids{batch_rows, sequence, {}};
  std::vector<float> targets;
  for (std::int64_t i = 0; i < batch_rows * sequence; ++i) {
    ids.values.push_back(static_cast<float>(i * i % vocabulary));
    targets.push_back(static_cast<float>((i + 1) * (i + 1) % vocabulary));
  }
  return {ids, targets};
}

/// 6 operations a weight and token, and attention's two products with the whole square.
double nominal_flops(std::int64_t width) {
  constexpr auto count = static_cast<double>(batch_rows * sequence);
  auto const d = static_cast<double>(width);
  return 3 * count *
         (4 * (24 * d * d + 4 * static_cast<double>(sequence) * d) + 2 * d * vocabulary);
}

void set_flops(benchmark::State& state, double flops) {
  state.counters["FLOP/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

/// Independent chains of fused multiply-adds in registers: what one core can do at most.
void fma_peak(benchmark::State& state) {
  constexpr std::size_t chains = 12;
  constexpr std::size_t lanes = 16;
  constexpr int steps = 1000;
  std::array<std::array<float, lanes>, chains> sums{};
  float const factor = 0.5F;
  float const term = 1.0F;
  for (auto _ : state) {
    for (int i = 0; i < steps; ++i) {
      for (std::array<float, lanes>& sum : sums) {
        for (float& lane : sum) lane = std::fma(lane, factor, term);
      }
    }
    benchmark::DoNotOptimize(sums);
  }
  set_flops(state, 2.0 * steps * chains * lanes);
}
BENCHMARK(fma_peak);

/// Forward, both halves of the backward, and AdamW; the argument is the width.
void step(benchmark::State& state) {
  compute::set_blas_threads(1);
  ModelSpec const spec = spec_of(state.range(0));
  auto const block = make_block<float>(spec, 0, tokens(), {0, sequence});
  Sizes const sizes = block->sizes(batch_rows);
  auto const count = static_cast<std::size_t>(block->parameter_count());
  std::vector<float> weights(count);
  std::vector<float> gradient(count);
  std::vector<float> saved(static_cast<std::size_t>(sizes.saved));
  std::vector<float> flow(static_cast<std::size_t>(sizes.flow));
  block->initialise(weights, 1);
  auto const optimizer =
      make_optimizer<float>({.name = "adamw"}, update_groups(block->parameters()));
  NoPulse pulse;
  Batch const batch{0, 0, batch_rows};
  for (auto _ : state) {
    block->forward(batch, weights, {}, {}, saved, pulse);
    block->backward(batch, weights, {}, saved, {}, flow, gradient, pulse);
    optimizer->step(weights, weights, gradient, 3e-4);
  }
  set_flops(state, nominal_flops(state.range(0)));
}
BENCHMARK(step)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

enum class Part { forward, backward_input, backward_weight };

/// One part of one layer.
void part(benchmark::State& state, std::function<std::unique_ptr<Layer<float>>()> const& make,
          Part which) {
  compute::set_blas_threads(1);
  auto const layer = make();
  Sizes const sizes = layer->sizes(batch_rows);
  auto const buffer = [](std::int64_t size) {
    return std::vector<float>(static_cast<std::size_t>(size), 0.25F);
  };
  auto const weights = buffer(parameter_count(*layer));
  auto const x = buffer(sizes.input);
  auto y = buffer(sizes.output);
  auto saved = buffer(sizes.saved);
  auto dx = buffer(sizes.input);
  auto flow = buffer(sizes.flow);
  auto dw = weights;
  NoPulse pulse;
  layer->forward(batch_rows, weights, x, y, saved, pulse);
  for (auto _ : state) {
    if (which == Part::forward) layer->forward(batch_rows, weights, x, y, saved, pulse);
    if (which == Part::backward_input)
      layer->backward_input(batch_rows, weights, x, saved, y, dx, flow, pulse);
    if (which == Part::backward_weight)
      layer->backward_weight(batch_rows, weights, x, saved, y, flow, dw, pulse);
  }
  set_flops(state, layer->flops(batch_rows));
  state.SetBytesProcessed(state.iterations() * 4 * (sizes.input + sizes.output));
}

std::unique_ptr<Layer<float>> norm() {
  return std::make_unique<LayerNorm<float>>(256, sequence);
}
std::unique_ptr<Layer<float>> attention() {
  return std::make_unique<CausalAttention<float>>(256, 4, sequence);
}
std::unique_ptr<Layer<float>> gelu() {
  return std::make_unique<ActivationLayer<float>>(Activation::gelu, 1024 * sequence);
}
std::unique_ptr<Layer<float>> widen() {
  return std::make_unique<Dense<float>>(256, 1024, DenseForm{sequence, true, 0.02});
}
std::unique_ptr<Layer<float>> narrow() {
  return std::make_unique<Dense<float>>(1024, 256, DenseForm{sequence, true, 0.02});
}

#define QUARTIC_PARTS(layer)                                                                     \
  BENCHMARK_CAPTURE(part, layer##_forward, layer, Part::forward)->Unit(benchmark::kMicrosecond); \
  BENCHMARK_CAPTURE(part, layer##_backward_input, layer, Part::backward_input)                   \
      ->Unit(benchmark::kMicrosecond);                                                           \
  BENCHMARK_CAPTURE(part, layer##_backward_weight, layer, Part::backward_weight)                 \
      ->Unit(benchmark::kMicrosecond);
QUARTIC_PARTS(norm)
QUARTIC_PARTS(attention)
QUARTIC_PARTS(gelu)
QUARTIC_PARTS(widen)
QUARTIC_PARTS(narrow)

}  // namespace
}  // namespace quartic::nn
