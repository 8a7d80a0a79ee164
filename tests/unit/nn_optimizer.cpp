#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/nn/layer.hpp"
#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/optimizer.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

template <class T>
double step(nn::Optimizer<T>& optimizer, std::vector<T> const& from, std::vector<T>& to,
            std::vector<T>& gradient, double rate) {
  return run(optimizer, &nn::Optimizer<T>::step, from, to, gradient, rate);
}

template <class T>
std::vector<T> state(nn::Optimizer<T>& optimizer) {
  std::vector<T> values(optimizer.state().size());
  compute::to_host(std::span<T const>(optimizer.state()), std::span(values));
  return values;
}

/// scale · values; zeros where the optimizer tells nothing.
std::vector<double> direction(nn::Optimizer<double>& optimizer, std::vector<double> const& from,
                              double rate) {
  std::vector<double> scratch(from.size());
  std::vector<double> told(from.size());
  Operands on;
  auto const step = optimizer.direction(on(std::span(from)), rate, on(std::span(scratch)));
  if (step.scale == 0) return told;
  compute::to_host(step.values, std::span(told));
  for (double& value : told) value *= step.scale;
  return told;
}

bool all(std::vector<double> const& values, double value) {
  return std::all_of(values.begin(), values.end(), [=](double each) { return each == value; });
}

}  // namespace

TEST_CASE("sgd: w' = w - lr (g + decay w)") {
  auto const optimizer = nn::make_optimizer<double>({"sgd", 0, 0.9, 0.25}, 2);
  std::vector<double> w{1, -2}, g{0.5, 3};
  CHECK(step(*optimizer, w, w, g, 0.5) == 0.25 + 9);
  CHECK(w == std::vector<double>{1 - 0.5 * (0.5 + 0.25), -2 - 0.5 * (3 - 0.5)});
  CHECK(g == std::vector<double>{0, 0});
  CHECK(state(*optimizer).empty());
}

TEST_CASE("momentum: v = μ v + g + decay w, w' = w - lr v, as PyTorch's SGD") {
  auto const optimizer = nn::make_optimizer<double>({"momentum", 0, 0.5, 0}, 1);
  std::vector<double> w{1};
  for (double const expected : {0.5, -0.25, -1.125}) {  // v = 1, 1.5, 1.75
    std::vector<double> g{1};
    CHECK(step(*optimizer, w, w, g, 0.5) == 1);
    CHECK(w[0] == expected);
  }
  CHECK(state(*optimizer).size() == 1);
  CHECK(state(*optimizer)[0] == 1.75);
}

TEST_CASE("nesterov-momentum: w' = w - lr (g + μ v), as PyTorch's SGD") {
  auto const optimizer = nn::make_optimizer<double>({"nesterov-momentum", 0, 0.5, 0}, 1);
  std::vector<double> w{1};
  for (double const expected : {0.25, -0.625, -1.5625}) {  // g + μ v = 1.5, 1.75, 1.875
    std::vector<double> g{1};
    CHECK(step(*optimizer, w, w, g, 0.5) == 1);
    CHECK(w[0] == expected);
  }
}

TEST_CASE("adamw: two steps by hand, decay apart from the gradient") {
  nn::OptimizerSpec const spec{"adamw", 0, 0, 0.1, 0.5, 0.75, 1e-3};
  auto const optimizer = nn::make_optimizer<double>(spec, 1);
  double expected = 2;
  double m = 0;
  double v = 0;
  std::vector<double> w{2};
  for (int t = 1; t <= 2; ++t) {
    double const gradient = t == 1 ? 3 : -1;
    m = 0.5 * m + 0.5 * gradient;
    v = 0.75 * v + 0.25 * gradient * gradient;
    double const m_hat = m / (1 - std::pow(0.5, t));
    double const v_hat = v / (1 - std::pow(0.75, t));
    expected = expected * (1 - 0.25 * 0.1) - 0.25 * m_hat / (std::sqrt(v_hat) + 1e-3);
    std::vector<double> g{gradient};
    step(*optimizer, w, w, g, 0.25);
    CHECK(w[0] == doctest::Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("weight decay is for matrices, not for biases, unless there is nothing else") {
  std::vector<nn::Parameter> const network{
      {"0.weight", {2, 3}, 0}, {"0.bias", {2}, 6}, {"2.weight", {1, 2}, 8}, {"2.bias", {1}, 10}};
  auto const groups = nn::update_groups(network);
  REQUIRE(groups.size() == 4);
  CHECK(groups[1].size == 2);
  CHECK_FALSE(groups[1].decays);
  std::vector<nn::Parameter> const linear{{"weight[0:5]", {5}, 0}};
  CHECK(nn::update_groups(linear).at(0).decays);
  for (char const* const name : {"sgd", "momentum", "nesterov-momentum", "adamw", "nadam"}) {
    auto const optimizer = nn::make_optimizer<double>({name, 0, 0.9, 0.5}, groups);
    std::vector<double> w(11, 1.0);
    std::vector<double> g(11, 0.0);
    step(*optimizer, w, w, g, 0.1);
    for (std::size_t const i : {0U, 5U, 8U, 9U}) CHECK(w[i] < 0.96);
    for (std::size_t const i : {6U, 7U, 10U}) CHECK(w[i] == 1.0);
  }
}

TEST_CASE(
    "a statistic moves a tenth of the way to what was measured, whatever the optimizer does") {
  std::vector<nn::Parameter> const network{{"0.weight", {2, 1}, 0},
                                           {"1.bias", {1}, 2},
                                           {"1.running_mean", {2}, 3, nn::Role::statistic},
                                           {"2.weight", {1, 1}, 5}};
  auto const parts = nn::trained_parts(network);
  REQUIRE(parts.size() == 2);
  CHECK((parts[0].first == 0 && parts[0].size == 3));
  CHECK((parts[1].first == 5 && parts[1].size == 1));
  for (char const* const name : {"sgd", "momentum", "nesterov-momentum", "adamw", "nadam"}) {
    for (double const decay : {0.0, 0.5}) {
      CAPTURE(name);
      nn::OptimizerSpec const spec{.name = name, .weight_decay = decay, .clip = 1};
      auto const optimizer = nn::make_optimizer<double>(spec, nn::update_groups(network));
      std::vector<double> w{1, 1, 1, 10, 20, 1};
      std::vector<double> g{3, 0, 0, 1000, -1000, 4};
      CHECK(step(*optimizer, w, w, g, 0.01) == 25);
      CHECK(w[3] == doctest::Approx(9 + 100));
      CHECK(w[4] == doctest::Approx(18 - 100));
      CHECK(w[5] < 1);
      CHECK(g == std::vector<double>(6, 0.0));
      auto const kept = state(*optimizer);
      if (!kept.empty()) CHECK((kept[0] != 0 && kept[3] == 0 && kept[4] == 0));
    }
  }
}

TEST_CASE("a gradient longer than the clip is shortened to it, and its own norm is told") {
  nn::OptimizerSpec const spec{.name = "sgd", .clip = 2.5};
  auto const optimizer = nn::make_optimizer<double>(spec, 2);
  std::vector<double> w{0, 0};
  std::vector<double> g{3, 4};
  CHECK(step(*optimizer, w, w, g, 1) == 25);
  CHECK(w == std::vector<double>{-1.5, -2});
  g = {0.5, 0};
  CHECK(step(*optimizer, w, w, g, 1) == 0.25);
  CHECK(w == std::vector<double>{-2, -2});
}

TEST_CASE("the rate climbs, and falls to nothing where it falls") {
  nn::LearningRate const constant{0.5, nn::Decay::constant, 4, 12};
  CHECK(constant.at(0) == 0.125);
  CHECK(constant.at(3) == 0.5);
  CHECK(constant.at(11) == 0.5);
  nn::LearningRate const linear{0.5, nn::Decay::linear, 4, 12};
  CHECK(linear.at(4) == 0.5);
  CHECK(linear.at(8) == 0.25);
  CHECK(linear.at(12) == 0);
  nn::LearningRate const cosine{0.5, nn::Decay::cosine, 4, 12};
  CHECK(cosine.at(4) == 0.5);
  CHECK(cosine.at(8) == doctest::Approx(0.25));
  CHECK(cosine.at(6) == doctest::Approx(0.25 * (1 + std::sqrt(0.5))));
}

TEST_CASE("nadam: two steps by hand, decay apart from the gradient") {
  double const b1 = 0.5;
  double const b2 = 0.75;
  nn::OptimizerSpec const spec{"nadam", 0, 0, 0.1, b1, b2, 1e-3};
  auto const optimizer = nn::make_optimizer<double>(spec, 1);
  auto const mu = [&](int t) { return b1 * (1 - 0.5 * std::pow(0.96, t * 0.004)); };
  double expected = 2;
  double m = 0;
  double v = 0;
  double product = 1;
  std::vector<double> w{2};
  for (int t = 1; t <= 2; ++t) {
    double const gradient = t == 1 ? 3 : -1;
    m = b1 * m + (1 - b1) * gradient;
    v = b2 * v + (1 - b2) * gradient * gradient;
    product *= mu(t);
    double const m_hat =
        mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * gradient / (1 - product);
    double const v_hat = v / (1 - std::pow(b2, t));
    expected = expected * (1 - 0.25 * 0.1) - 0.25 * m_hat / (std::sqrt(v_hat) + 1e-3);
    std::vector<double> g{gradient};
    CHECK(step(*optimizer, w, w, g, 0.25) == gradient * gradient);
    CHECK(w[0] == doctest::Approx(expected).epsilon(1e-14));
  }
  CHECK(state(*optimizer).size() == 2);
}

TEST_CASE("an optimizer tells its next step before the gradient is known") {
  std::vector<nn::UpdateGroup> const groups{{2, true}, {1, false}, {1, false, nn::Role::statistic}};
  nn::OptimizerSpec spec{"sgd", 0, 0.5, 0.125, 0.5, 0.75, 1e-3};
  double const rate = 0.25;
  double const next_rate = 0.5;
  std::vector<double> const g1{1, -2, 3, 0.5};
  std::vector<double> const g2{0.5, 4, -1, 0.25};
  for (std::string const& name : nn::optimizer_names()) {
    CAPTURE(name);
    spec.name = name;
    auto const optimizer = nn::make_optimizer<double>(spec, groups);
    CHECK(all(direction(*optimizer, {1, 2, 3, 4}, next_rate), 0.0));  // nothing is known yet
    std::vector<double> w{1, 2, 3, 4};
    for (auto g : {g1, g2}) step(*optimizer, w, w, g, rate);
    auto const found = direction(*optimizer, w, next_rate);
    bool const is_adam = name == "adamw" || name == "nadam";
    auto const mu = [](double t) { return 0.5 * (1 - 0.5 * std::pow(0.96, 0.004 * t)); };
    for (std::size_t i = 0; i < 3; ++i) {
      double const m = 0.25 * g1[i] + 0.5 * g2[i];
      double const v = 0.75 * 0.25 * g1[i] * g1[i] + 0.25 * g2[i] * g2[i];
      double const left = name == "nadam" ? mu(1) * mu(2) : 0.25;
      double const decay = i < 2 ? 0.125 : 0;
      double expected = -next_rate * m / (1 - left) / (std::sqrt(v / (1 - 0.5625)) + 1e-3) -
                        next_rate * decay * w[i];
      if (!is_adam) expected = name == "sgd" ? 0 : -next_rate * state(*optimizer)[i];
      CHECK(found[i] == doctest::Approx(expected).epsilon(1e-13));
    }
    CHECK(found[3] == 0);  // statistics follow no gradient
  }
}

TEST_CASE("an optimizer given back its state goes on as if nothing had happened") {
  nn::OptimizerSpec const spec{"momentum", 0, 0.9, 0.01};
  auto const first = nn::make_optimizer<float>(spec, 33);
  auto const second = nn::make_optimizer<float>(spec, 33);
  auto w = normals<float>(33);
  auto g = normals<float>(33);
  step(*first, w, w, g, 0.1);
  compute::to_device<float>(state(*first), second->state());
  auto const next = normals<float>(33);
  auto g1 = next, g2 = next;
  auto apart = poison<float>(33);
  step(*second, w, apart, g2, 0.1);
  step(*first, w, w, g1, 0.1);
  CHECK(w == apart);
}

TEST_CASE("the names of the arrays are as many as the state has of the block's size") {
  for (std::string const& name : nn::optimizer_names()) {
    auto const optimizer = nn::make_optimizer<double>({name}, 3);
    CHECK(optimizer->state().size() == 3 * nn::state_names(name).size());
  }
}

TEST_CASE("nadam begins again after more steps than a run makes, bit by bit and at once") {
  nn::OptimizerSpec const spec{.name = "nadam", .beta1 = 0.5};
  auto const stepped = nn::make_optimizer<double>(spec, 1);
  auto const restarted = nn::make_optimizer<double>(spec, 1);
  std::vector<double> w{1}, v{1}, g{0};
  for (int t = 0; t < 3000; ++t) {  // the product of momenta has reached its last value
    g = {0.25};
    step(*stepped, w, w, g, 1e-3);
  }
  compute::to_device<double>(state(*stepped), restarted->state());
  restarted->restart_after(3000);
  v = w;
  for (auto* const pair : {&w, &v}) {
    g = {-0.75};
    step(pair == &w ? *stepped : *restarted, *pair, *pair, g, 1e-3);
  }
  CHECK(w == v);
  restarted->restart_after(std::int64_t{1} << 53);
}

TEST_CASE("an unknown optimizer is the user's mistake, and the answer names the known ones") {
  CHECK_THROWS_WITH_AS(
      nn::make_optimizer<double>({"adagrad"}, 1),
      "--optimizer adagrad: unknown optimizer; valid: sgd, momentum, nesterov-momentum, "
      "adamw, nadam",
      UsageError);
}
