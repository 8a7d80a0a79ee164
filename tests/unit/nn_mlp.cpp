#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

template <class T>
Dataset<T> images(std::int64_t rows, std::int64_t features, std::int64_t classes) {
  Dataset<T> data{DenseFeatures<T>{rows, features, normals<T>(rows * features)}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    data.targets.push_back(static_cast<T>((row * row + 1) % classes));
  }
  return data;
}

nn::ModelSpec perceptron(int stages, nn::Activation activation = nn::Activation::tanh) {
  nn::ModelSpec spec;
  spec.objective = "mlp";
  spec.stages = stages;
  spec.rows = 20;
  spec.features = 6;
  spec.classes = 3;
  spec.hidden = {5, 7, 4};
  spec.activation = activation;
  spec.accumulate = 2;
  return spec;
}

std::vector<std::string> names(Chain<double>& chain) {
  std::vector<std::string> all;
  for (std::size_t s = 0; s < chain.stages(); ++s) {
    for (auto const& parameter : chain.block(s).parameters()) all.push_back(parameter.name);
  }
  return all;
}

nn::Batch const batch{4, 8, 5};

// One hidden layer, tanh, by hand: activations with w, input gradients with `back`.
std::vector<double> by_hand(nn::ModelSpec const& spec, Dataset<double> const& data,
                            std::vector<double> const& w, std::vector<double> const& back) {
  auto const in = static_cast<std::size_t>(spec.features);
  auto const mid = static_cast<std::size_t>(spec.hidden[0]);
  auto const out = static_cast<std::size_t>(spec.classes);
  std::size_t const b1 = in * mid, w2 = b1 + mid, b2 = w2 + mid * out;
  std::vector<double> gradient(w.size(), 0.0);
  for (auto row = static_cast<std::size_t>(batch.first_row);
       row < static_cast<std::size_t>(batch.first_row + batch.rows); ++row) {
    double const* const x = std::get<DenseFeatures<double>>(data.features).values.data() + row * in;
    std::vector<double> h(mid), z(out);
    for (std::size_t m = 0; m < mid; ++m) {
      h[m] = w[b1 + m];
      for (std::size_t i = 0; i < in; ++i) h[m] += w[m * in + i] * x[i];
      h[m] = std::tanh(h[m]);
    }
    double sum = 0;
    for (std::size_t o = 0; o < out; ++o) {
      z[o] = w[b2 + o];
      for (std::size_t m = 0; m < mid; ++m) z[o] += w[w2 + o * mid + m] * h[m];
      sum += std::exp(z[o]);
    }
    for (std::size_t o = 0; o < out; ++o) {
      bool const is_label = static_cast<std::size_t>(data.targets[row]) == o;
      z[o] = (std::exp(z[o]) / sum - (is_label ? 1 : 0)) /
             static_cast<double>(batch.rows * spec.accumulate);
      gradient[b2 + o] += z[o];
      for (std::size_t m = 0; m < mid; ++m) gradient[w2 + o * mid + m] += z[o] * h[m];
    }
    for (std::size_t m = 0; m < mid; ++m) {
      double dh = 0;
      for (std::size_t o = 0; o < out; ++o) dh += back[w2 + o * mid + m] * z[o];
      dh *= 1 - h[m] * h[m];
      gradient[b1 + m] += dh;
      for (std::size_t i = 0; i < in; ++i) gradient[m * in + i] += dh * x[i];
    }
  }
  return gradient;
}

}  // namespace

TEST_CASE("the gradient of a perceptron is that of its loss, by central differences") {
  auto const data = images<double>(20, 6, 3);
  for (auto const activation : {nn::Activation::relu, nn::Activation::tanh, nn::Activation::gelu}) {
    Chain<double> chain(perceptron(2, activation), data);
    auto const w = chain.start(17);
    auto const slopes = central_differences(
        w, [&](std::vector<double> const& at) { return chain.forward(batch, at) / 2; });
    CHECK(distance(chain.gradient(batch, w), slopes) < 1e-9);
  }
}

TEST_CASE("a perceptron does not depend on how it is cut, nor on when its weight halves run") {
  auto const data = images<double>(20, 6, 3);
  Chain<double> whole(perceptron(1), data);
  auto const w = whole.start(17);
  double const loss = whole.forward(batch, w);
  auto const gradient = whole.gradient(batch, w);
  for (int const stages : {1, 2, 3, 4}) {
    Chain<double> chain(perceptron(stages), data);
    CHECK(chain.start(17) == w);
    CHECK(names(chain) == names(whole));
    CHECK(chain.forward(batch, w) == doctest::Approx(loss).epsilon(1e-12));
    CHECK(distance(chain.gradient(batch, w), gradient) < 1e-12);
    std::vector<double> late(w.size(), 0.0);
    chain.forward(batch, w);
    chain.backward(batch, w, late, true);
    CHECK(late == chain.gradient(batch, w));
  }
}

TEST_CASE("activations are the forward's and input gradients use the backward's weights") {
  auto spec = perceptron(1);
  spec.hidden = {5};
  auto const data = images<double>(20, 6, 3);
  for (int const stages : {1, 2}) {
    spec.stages = stages;
    Chain<double> chain(spec, data);
    auto const w = normals<double>(chain.parameters());
    auto const back = normals<double>(chain.parameters());
    std::vector<double> gradient(w.size(), 0.0);
    chain.forward(batch, w);
    chain.backward(batch, back, gradient);
    CHECK(distance(gradient, by_hand(spec, data, w, back)) < 1e-13);
    CHECK(distance(gradient, by_hand(spec, data, w, w)) > 1e-3);
  }
}

TEST_CASE("parameters are named and shaped as in a PyTorch state dict") {
  Chain<double> chain(perceptron(2), images<double>(20, 6, 3));
  CHECK(names(chain) == std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias",
                                                 "4.weight", "4.bias", "6.weight", "6.bias"});
  auto const second = chain.block(1).parameters();
  CHECK(second[0].shape == std::vector<std::int64_t>{4, 7});
  CHECK(second[1].shape == std::vector<std::int64_t>{4});
  CHECK(second[2].offset == 4 * 7 + 4);
  CHECK(chain.parameters() == 6 * 5 + 5 + 5 * 7 + 7 + 7 * 4 + 4 + 4 * 3 + 3);
}

TEST_CASE("start weights depend on the seed, and every parameter has its own") {
  Chain<double> chain(perceptron(4), images<double>(20, 6, 3));
  CHECK(chain.start(1) == chain.start(1));
  auto const first = chain.start(1);
  auto const second = chain.start(2);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i] != second[i]);
  CHECK(first[0] != first[6 * 5]);
}

TEST_CASE("a sweep gives mean loss and rows classified rightly, however the rows are grouped") {
  auto spec = perceptron(3);
  spec.rows = 1100;  // sweeps of 512, 512 and 76
  auto const data = images<double>(1100, 6, 3);
  Chain<double> chain(spec, data);
  auto const w = chain.start(17);
  auto const plan = chain.block(2).sweep_plan();
  CHECK((plan.rows_per_sweep == 512 && plan.versions_per_sweep == 1 && !plan.backward));
  auto const score = chain.evaluate({w})[0];
  CHECK(score.value == doctest::Approx(chain.forward({-1, 0, 1100}, w)).epsilon(1e-12));
  CHECK(score.gradient_sq == 0);
  CHECK(score.correct == std::round(score.correct));
  CHECK((score.correct > 100 && score.correct < 1000));
}

TEST_CASE("sparse features give what dense ones give") {
  auto data = images<double>(20, 6, 3);
  auto const x = sparse<double>(20, 6);
  data.features = x;
  Chain<double> from_sparse(perceptron(2), data);
  data.features = dense(x);
  Chain<double> from_dense(perceptron(2), data);
  auto const w = from_dense.start(17);
  CHECK(from_sparse.gradient(batch, w) == from_dense.gradient(batch, w));
}

TEST_CASE("single precision agrees with double") {
  auto const data = images<float>(20, 6, 3);
  auto const& x = std::get<DenseFeatures<float>>(data.features);
  Dataset<double> const wide{DenseFeatures<double>{20, 6, {x.values.begin(), x.values.end()}},
                             {data.targets.begin(), data.targets.end()}};
  Chain<float> single(perceptron(2), data);
  Chain<double> twofold(perceptron(2), wide);
  auto const w = single.start(17);
  std::vector<double> const w2(w.begin(), w.end());
  auto const gradient = single.gradient(batch, w);
  std::vector<double> const gradient2(gradient.begin(), gradient.end());
  CHECK(distance(gradient2, twofold.gradient(batch, w2)) < 1e-6);
}

TEST_CASE("messages in flight are given a chance after every layer") {
  Chain<double> chain(perceptron(2), images<double>(20, 6, 3));
  chain.gradient(batch, chain.start(1));
  CHECK(chain.pulse.beats == 3 * 7);
}
