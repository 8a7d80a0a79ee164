#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <numeric>

#include "quartic/core/check.hpp"
#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/batch_norm.hpp"
#include "quartic/nn/causal_attention.hpp"
#include "quartic/nn/chain.hpp"
#include "quartic/nn/class_loss.hpp"
#include "quartic/nn/convolution.hpp"
#include "quartic/nn/dense.hpp"
#include "quartic/nn/layer_norm.hpp"
#include "quartic/nn/pad_image.hpp"
#include "quartic/nn/pooling.hpp"
#include "quartic/nn/residual.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

constexpr std::int64_t row_count = 6;

// A layer with the buffers of one pass and a random direction dy; value(w, x) = dy · y(w, x).
struct Probe {
  explicit Probe(nn::Layer<double>& probed)
      : layer(probed),
        sizes(layer.sizes(row_count)),
        w(normals<double>(nn::parameter_count(layer))),
        x(normals<double>(sizes.input)),
        dy(normals<double>(sizes.output)),
        saved(poison<double>(sizes.saved)),
        flow(poison<double>(sizes.flow)) {}

  double value(std::vector<double> const& weights, std::vector<double> const& at) {
    auto y = poison<double>(sizes.output);
    auto unused = poison<double>(sizes.saved);
    run(layer, &nn::Layer<double>::forward, row_count, weights, at, y, unused, pulse);
    return std::inner_product(y.begin(), y.end(), dy.begin(), 0.0);
  }
  void forward() {
    auto y = poison<double>(sizes.output);
    run(layer, &nn::Layer<double>::forward, row_count, w, x, y, saved, pulse);
  }
  std::vector<double> input_gradient(std::vector<double> const& weights) {
    auto dx = poison<double>(sizes.input);
    run(layer, &nn::Layer<double>::backward_input, row_count, weights, x, saved, dy, dx, flow,
        pulse);
    return dx;
  }

  nn::Layer<double>& layer;
  nn::Sizes sizes;
  std::vector<double> w, x, dy, saved, flow;
  CountingPulse pulse;
};

// In composed layers a backward with other weights is not a derivative, because the activations
// between the layers were computed with the forward's weights.
void check_halves(nn::Layer<double>& layer, bool composed = false) {
  Probe probe(layer);
  probe.forward();
  auto const by_x = central_differences(
      probe.x, [&](std::vector<double> const& at) { return probe.value(probe.w, at); });
  CHECK(distance(probe.input_gradient(probe.w), by_x) < 1e-8);

  // The backward may be given other weights than the forward had: its input half uses those alone.
  auto const other = composed ? probe.w : normals<double>(std::ssize(probe.w));
  auto const by_x_there = central_differences(
      probe.x, [&](std::vector<double> const& at) { return probe.value(other, at); });
  CHECK(distance(probe.input_gradient(other), by_x_there) < 1e-8);

  auto const by_w = central_differences(
      probe.w, [&](std::vector<double> const& at) { return probe.value(at, probe.x); });
  auto const before = normals<double>(std::ssize(probe.w));
  auto sum = before;
  run(layer, &nn::Layer<double>::backward_weight, row_count, other, probe.x, probe.saved, probe.dy,
      probe.flow, sum, probe.pulse);
  auto at_once = before;
  auto dx = poison<double>(probe.sizes.input);
  run(layer, &nn::Layer<double>::backward, row_count, other, probe.x, probe.saved, probe.dy, dx,
      probe.flow, at_once, probe.pulse);
  CHECK(at_once == sum);
  CHECK(dx == probe.input_gradient(other));

  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] -= before[i];
  auto const parameters = layer.parameters();
  for (auto const& [first, size] : nn::trained_parts(parameters)) {
    auto const part = [&](std::vector<double> const& whole) {
      return std::span<double const>(whole).subspan(static_cast<std::size_t>(first),
                                                    static_cast<std::size_t>(size));
    };
    CHECK(distance(part(sum), part(by_w)) < 1e-8);
  }
}

}  // namespace

TEST_CASE("both halves of every layer's backward equal central differences") {
  nn::Dense<double> dense(7, 4);
  check_halves(dense);
  nn::Dense<double> narrow(1, 1);
  check_halves(narrow);
  for (auto const function : {nn::Activation::relu, nn::Activation::tanh, nn::Activation::gelu}) {
    nn::ActivationLayer<double> layer(function, 5);
    check_halves(layer);
  }
  nn::Dense<double> without_bias(3, 4, {2, false, 0});
  check_halves(without_bias);
  nn::LayerNorm<double> norm(5, 2);
  check_halves(norm);
  nn::CausalAttention<double> attention(6, 3, 5);
  check_halves(attention);
}

TEST_CASE("attention in several blocks of queries equals central differences") {
  nn::CausalAttention<double> attention(2, 1, 70);
  check_halves(attention);
}

TEST_CASE("both halves of composed layers equal central differences") {
  auto const dense = [](std::int64_t inputs, std::int64_t outputs) {
    return std::make_unique<nn::Dense<double>>(inputs, outputs);
  };
  nn::Residual<double> plain(dense(4, 4));
  check_halves(plain, true);
  nn::Residual<double> projected(dense(4, 3), dense(4, 3));
  check_halves(projected, true);
  std::vector<nn::NamedLayer<double>> layers;
  layers.push_back({"0", dense(4, 3)});
  layers.push_back({"1", std::make_unique<nn::Residual<double>>(dense(3, 5), dense(3, 5))});
  layers.push_back({"2", std::make_unique<nn::ActivationLayer<double>>(nn::Activation::tanh, 5)});
  layers.push_back({"3", dense(5, 2)});
  nn::Chain<double> chain(std::move(layers));
  check_halves(chain, true);
}

TEST_CASE("both halves of the backward of image layers equal central differences") {
  for (bool const has_bias : {false, true}) {
    nn::Convolution<double> same({{2, 4, 3, 3, 3, 1, 1}, 3}, has_bias);
    check_halves(same);
    nn::Convolution<double> half({{3, 5, 4, 3, 3, 2, 1}, 2}, has_bias);
    check_halves(half);
    nn::Convolution<double> pointwise({{3, 3, 2, 1, 1}, 4}, has_bias);
    check_halves(pointwise);
  }
  nn::MaxPool<double> largest({2, 4, 5, 2, 2, 2});
  check_halves(largest);
  nn::AveragePool<double> mean({2, 4, 5, 2, 2, 2});
  check_halves(mean);
  nn::AveragePool<double> whole({3, 4, 5, 4, 5});
  check_halves(whole);
  nn::BatchNorm<double> norm(3, 4, 1);
  check_halves(norm);
  nn::PadImage<double> pad({2, 3, 3}, 4, 6);
  check_halves(pad);
}

TEST_CASE("a batch normalisation hands on the microbatch's share of the statistics") {
  constexpr std::int64_t accumulate = 4;
  nn::BatchNorm<double> norm(2, 3, accumulate);
  auto const elements = row_count * 3;  // of a channel
  Probe probe(norm);
  probe.forward();
  probe.input_gradient(probe.w);
  std::vector<double> dw(8, 0.0);
  run(norm, &nn::BatchNorm<double>::backward_weight, row_count, probe.w, probe.x, probe.saved,
      probe.dy, probe.flow, dw, probe.pulse);
  for (std::size_t channel = 0; channel < 2; ++channel) {
    double sum = 0;
    double squares = 0;
    for (std::size_t row = 0; row < row_count; ++row) {
      for (std::size_t i = 0; i < 3; ++i) sum += probe.x[6 * row + 3 * channel + i];
    }
    double const mean = sum / elements;
    for (std::size_t row = 0; row < row_count; ++row) {
      for (std::size_t i = 0; i < 3; ++i) {
        squares += std::pow(probe.x[6 * row + 3 * channel + i] - mean, 2);
      }
    }
    CHECK(dw[4 + channel] == doctest::Approx(mean / accumulate));
    CHECK(dw[6 + channel] == doctest::Approx(squares / (elements - 1) / accumulate));
  }
}

TEST_CASE("a batch normalisation is evaluated with its running statistics") {
  nn::BatchNorm<double> norm(2, 1, 1);
  std::vector<double> const w{2, 3, 10, 20, 1, -1, 4, 9}, x{1, 2, 5, -7};
  auto y = poison<double>(4);
  CountingPulse pulse;
  run(norm, &nn::BatchNorm<double>::evaluate, 2, w, x, y, {}, pulse);
  auto const expected = [&](double at, std::size_t channel) {
    return w[channel] * (at - w[4 + channel]) / std::sqrt(w[6 + channel] + 1e-5) + w[2 + channel];
  };
  CHECK(y[0] == doctest::Approx(expected(1, 0)));
  CHECK(y[1] == doctest::Approx(expected(2, 1)));
  CHECK(y[2] == doctest::Approx(expected(5, 0)));
  CHECK(y[3] == doctest::Approx(expected(-7, 1)));
}

TEST_CASE("a layer without an input gradient to give touches nothing") {
  nn::Dense<double> dense(7, 4);
  nn::Convolution<double> convolution({{2, 4, 3, 3, 3, 1, 1}, 3}, true);
  nn::MaxPool<double> largest({2, 4, 5, 2, 2, 2});
  nn::AveragePool<double> mean({2, 4, 5, 2, 2, 2});
  nn::BatchNorm<double> norm(3, 4, 1);
  nn::PadImage<double> pad({2, 3, 3}, 4, 6);
  for (nn::Layer<double>* const layer : std::initializer_list<nn::Layer<double>*>{
           &dense, &convolution, &largest, &mean, &norm, &pad}) {
    Probe probe(*layer);
    probe.forward();
    run(*layer, &nn::Layer<double>::backward_input, row_count, probe.w, probe.x, probe.saved,
        probe.dy, {}, probe.flow, probe.pulse);
  }
}

TEST_CASE("the class loss is scaled once and its gradient equals central differences") {
  std::vector<double> const targets{2, 0, 1, 2, 0};
  nn::ClassLoss<double> loss(3, targets);
  auto const z = normals<double>(4 * 3);
  auto const mean_at = [&](std::vector<double> const& at) {
    return run(loss, &nn::ClassLoss<double>::sums, 1, 4, at).value / 4;
  };
  auto const slopes =
      central_differences(z, [&](std::vector<double> const& at) { return mean_at(at) / 2; });
  auto gradient = z;
  {
    Operands on;
    CHECK(loss.mean(1, 4, 2, on(std::span(gradient))) == mean_at(z));
  }
  CHECK(distance(gradient, slopes) < 1e-9);
}

TEST_CASE("a target that is no class is refused") {
  CHECK_THROWS_AS((nn::ClassLoss<double>(3, std::vector<double>{0, 3})), Failure);
  CHECK_THROWS_AS((nn::ClassLoss<double>(3, std::vector<double>{-1})), Failure);
  CHECK_THROWS_AS((nn::ClassLoss<float>(3, std::vector<float>{0.5F})), Failure);
}

TEST_CASE("a dense layer starts uniform within one over the root of its inputs") {
  nn::Dense<double> const layer(400, 50);
  auto w = poison<double>(nn::parameter_count(layer));
  layer.initialise(w, 3, 8);
  double largest = 0;
  double square = 0;
  for (double const value : w) {
    largest = std::max(largest, std::abs(value));
    square += value * value;
  }
  CHECK(largest <= 0.05);
  CHECK(largest > 0.0499);
  CHECK(square / static_cast<double>(w.size()) == doctest::Approx(0.05 * 0.05 / 3).epsilon(0.03));
}
