// What single kernels do on device 0, as a table: products beside cuBLAS alone, everything else
// beside a copy on the device. Sizes are those of a GPT of width 1024, 16 heads, sequence 512, 8
// rows.
#include <fmt/core.h>

#include <chrono>

#include "measure.hpp"
#include "offload_device.hpp"
#include "quartic/compute/activation.hpp"
#include "quartic/compute/attention.hpp"
#include "quartic/compute/blas_start.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/compute/embedding.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/compute/vector.hpp"

namespace quartic::bench {
namespace {

using namespace compute;

constexpr std::int64_t width = 1024;
constexpr std::int64_t sequence = 512;
constexpr std::int64_t tokens = 8 * sequence;
constexpr std::int64_t hidden = 4 * width;
constexpr std::int64_t vocabulary = 256;
constexpr double bytes = sizeof(float);
constexpr double product_target = 0.8;
constexpr double bandwidth_target = 0.6;

Buffer<float> half(std::int64_t size) {
  Buffer<float> buffer(size);
  fill<float>(0.5F, buffer.view());
  return buffer;
}

void product(std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  auto a = half(rows * depth), b = half(depth * columns), c = half(rows * columns);
  ConstMatrix<float> const left(a.view().data(), rows, depth);
  ConstMatrix<float> const right(b.view().data(), depth, columns);
  Matrix<float> const result(c.view().data(), rows, columns);
  auto const operations = 2 * static_cast<double>(rows * columns * depth);
  std::string const shape = fmt::format("{} x {} x {}", rows, columns, depth);
  double alone = 0;
  if (cublas() != nullptr) {
    auto const seconds = measure([&] { cublas()->gemm<float>(1, left, right, 0, result); });
    alone = rate_row("cuBLAS alone, " + shape, operations, "GFLOP/s", seconds);
  }
  auto const seconds = measure([&] { gemm<float>(1, left, right, 0, result); });
  rate_row("gemm, " + shape, operations, "GFLOP/s", seconds, alone, alone > 0 ? product_target : 0);
}

/// `numbers`: how many the kernel reads and writes.
class Passes {
 public:
  explicit Passes(double copy_rate) : copy_rate_(copy_rate) {}
  void row(std::string const& what, std::int64_t numbers, std::function<void()> const& work) const {
    rate_row(what, bytes * static_cast<double>(numbers), "GB/s", measure(work), copy_rate_,
             bandwidth_target);
  }

 private:
  double copy_rate_;
};

void passes(Passes const& passes) {
  constexpr std::int64_t n = tokens * hidden;
  auto x = half(n), y = half(n), z = half(n), m = half(n), v = half(n);
  passes.row("add_scaled", 3 * n, [&] { add_scaled<float>(1e-9F, x.view(), y.view()); });
  passes.row("sum_of_squares", n, [&] { sum_of_squares<float>(x.view()); });
  passes.row("gelu_forward", 2 * n, [&] { gelu_forward<float>(x.view(), y.view()); });
  passes.row("gelu_backward", 3 * n, [&] { gelu_backward<float>(x.view(), y.view(), z.view()); });
  passes.row("adam_update", 8 * n, [&] {
    AdamStep const step{.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .of_moment = 1e-9};
    adam_update<float>(step, x.view(), x.view(), z.view(), m.view(), v.view());
  });
  constexpr std::int64_t k = tokens * width;
  auto weight = half(width), bias = half(width), statistics = half(2 * tokens);
  auto const in = x.view().first(k), out = y.view().first(k), slope = z.view().first(k);
  passes.row("layer_norm_forward", 2 * k, [&] {
    layer_norm_forward<float>(in, weight.view(), bias.view(), out, statistics.view());
  });
  passes.row("layer_norm_backward_input", 3 * k, [&] {
    layer_norm_backward_input<float>(in, weight.view(), statistics.view(), slope, out);
  });
  passes.row("layer_norm_backward_weight", 2 * k, [&] {
    layer_norm_backward_weight<float>(in, statistics.view(), slope, weight.view(), bias.view());
  });
  passes.row("add_column_sums", k, [&] {
    add_column_sums<float>({in.data(), tokens, width}, bias.view());
  });
  passes.row("fill_rows", k, [&] { fill_rows<float>(bias.view(), {out.data(), tokens, width}); });
  Matrix<float> const scores(x.view().data(), sequence, sequence);
  passes.row("causal_softmax, one head", 2 * sequence * sequence,
             [&] { causal_softmax<float>(0, 0.125F, scores); });
}

void tables_of_tokens(Passes const& passes) {
  constexpr std::int64_t k = tokens * width;
  auto table = half(vocabulary * width), positions = half(sequence * width), y = half(k);
  Buffer<float> id(tokens);
  Buffer<std::int32_t> labels(tokens);
  auto z = half(tokens * vocabulary), gradient = half(tokens * vocabulary);
  passes.row("embedding_forward", 3 * k, [&] {
    embedding_forward<float>(sequence, width, id.view(), table.view(), positions.view(), y.view());
  });
  passes.row("embedding_backward, one token everywhere", 2 * k, [&] {
    embedding_backward<float>(sequence, width, id.view(), y.view(), table.view(), positions.view());
  });
  passes.row("softmax_cross_entropy", 2 * tokens * vocabulary, [&] {
    softmax_cross_entropy<float>(vocabulary, z.view(), labels.view(), 1, gradient.view());
  });
}

void table(bool tf32) {
  auto const begin = std::chrono::steady_clock::now();
  compute_on(0, {.tf32 = tf32});
  Buffer<float> one(1);
  std::chrono::duration<double> const start = std::chrono::steady_clock::now() - begin;
  fmt::print("{}, products by {}\n\n", computes_on(), products_by());
  fmt::print("| what | measured: median (least … most) | of the reference | target | verdict |\n");
  fmt::print("|---|---|---|---|---|\n");
  fmt::print("| start: context, cuBLAS, the driver's compilation | {:.2f} s | | | |\n",
             start.count());
  product(tokens, hidden, width);
  product(tokens, width, hidden);
  product(tokens, width, width);
  product(sequence, sequence, width / 16);
  if (tf32) return;
  time_row("a kernel of one element", measure([&] { fill<float>(0, one.view()); }));
  constexpr std::int64_t n = tokens * hidden;
  auto x = half(n), y = half(n);
  auto const copies = measure([&] { copy<float>(x.view(), y.view()); });
  double const rate =
      rate_row("a copy on the device: the reference", 2 * bytes * n, "GB/s", copies);
  passes(Passes(rate));
  tables_of_tokens(Passes(rate));
}

}  // namespace
}  // namespace quartic::bench

int main(int argc, char** argv) {
  quartic::compute::start_blas(argv);
  if (quartic::compute::device_count() == 0) {
    fmt::print(stderr,
               "bench_gpu: no GPU is seen; it measures device 0 of a machine that has one\n");
    return 2;
  }
  quartic::bench::table(argc > 1 && std::string(argv[1]) == "tf32");
}
