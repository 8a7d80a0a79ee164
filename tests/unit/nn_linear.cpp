#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

constexpr std::int64_t row_count = 24;
constexpr std::int64_t features = 11;

struct Problem {
  nn::ModelSpec spec;
  Dataset<double> data;
  DenseFeatures<double> x;
};

Problem problem(std::string const& objective, int stages, bool is_sparse, double l2) {
  static auto const sparse_x = sparse<double>(row_count, features);
  static auto const noise = normals<double>(row_count);
  Problem made;
  made.spec.objective = objective;
  made.spec.stages = stages;
  made.spec.rows = row_count;
  made.spec.features = features;
  made.spec.l2 = l2;
  made.spec.accumulate = 3;
  made.x = dense(sparse_x);
  made.data.targets = noise;
  if (objective == "logistic") {
    for (double& y : made.data.targets) y = y > 0 ? 1 : 0;
  }
  if (is_sparse)
    made.data.features = sparse_x;
  else
    made.data.features = made.x;
  return made;
}

double z_of(Problem const& p, std::int64_t row, std::vector<double> const& w) {
  double z = 0;
  for (std::int64_t c = 0; c < features; ++c) {
    z += p.x.values[static_cast<std::size_t>(row * features + c)] * w[static_cast<std::size_t>(c)];
  }
  return z;
}

bool is_quadratic(Problem const& p) {
  return p.spec.objective == "quadratic";
}

// The mean loss over the batch, without λ.
double naive_loss(Problem const& p, nn::Batch batch, std::vector<double> const& w) {
  double sum = 0;
  for (std::int64_t row = batch.first_row; row < batch.first_row + batch.rows; ++row) {
    double const z = z_of(p, row, w);
    double const y = p.data.targets[static_cast<std::size_t>(row)];
    sum += is_quadratic(p) ? (z - y) * (z - y) / 2 : std::log(1 + std::exp(z)) - y * z;
  }
  return sum / static_cast<double>(batch.rows);
}

// Its gradient at w, and λ's at `decayed`.
std::vector<double> naive_gradient(Problem const& p, nn::Batch batch, std::vector<double> const& w,
                                   std::vector<double> const& decayed) {
  std::vector<double> gradient;
  for (std::size_t c = 0; c < static_cast<std::size_t>(features); ++c) {
    double sum = 0;
    for (std::int64_t row = batch.first_row; row < batch.first_row + batch.rows; ++row) {
      double const z = z_of(p, row, w);
      double const value = is_quadratic(p) ? z : 1 / (1 + std::exp(-z));
      sum += (value - p.data.targets[static_cast<std::size_t>(row)]) *
             p.x.values[static_cast<std::size_t>(row * features) + c];
    }
    gradient.push_back(sum / static_cast<double>(batch.rows) + p.spec.l2 * decayed[c]);
  }
  return gradient;
}

double square(std::vector<double> const& x) {
  double sum = 0;
  for (double const value : x) sum += value * value;
  return sum;
}

template <class Check>
void for_problems(Check check) {
  for (std::string const objective : {"quadratic", "logistic"}) {
    for (int const stages : {1, 2, 4, 11}) {
      for (bool const is_sparse : {false, true}) {
        for (double const l2 : {0.0, 0.3}) {
          CAPTURE(objective);
          CAPTURE(stages);
          CAPTURE(is_sparse);
          CAPTURE(l2);
          check(problem(objective, stages, is_sparse, l2));
        }
      }
    }
  }
}

nn::Batch const batch{7, 6, 5};

}  // namespace

TEST_CASE("loss and gradient of a linear objective equal the closed forms, however it is cut") {
  for_problems([](Problem const& p) {
    Chain<double> chain(p.spec, p.data);
    auto const w = normals<double>(features);
    auto const read_backward = normals<double>(features);
    CHECK(chain.forward(batch, w) == doctest::Approx(naive_loss(p, batch, w)).epsilon(1e-13));
    for (bool const split : {false, true}) {
      auto gradient = naive_gradient(p, batch, w, read_backward);
      for (double& value : gradient) value /= -3;  // M; minus, so that the sum is 0
      chain.backward(batch, read_backward, gradient, split);
      CHECK(distance(gradient, std::vector<double>(features, 0.0)) < 1e-13);
    }
  });
}

TEST_CASE("the gradient of a linear objective is that of its loss, by central differences") {
  for_problems([](Problem const& p) {
    Chain<double> chain(p.spec, p.data);
    auto const w = normals<double>(features);
    auto const slopes = central_differences(w, [&](std::vector<double> const& at) {
      return (chain.forward(batch, at) + p.spec.l2 / 2 * square(at)) / 3;
    });
    CHECK(distance(chain.gradient(batch, w), slopes) < 1e-8);
  });
}

TEST_CASE("a sweep gives the objective and its gradient's square for every version") {
  for_problems([](Problem const& p) {
    Chain<double> chain(p.spec, p.data);
    std::vector<std::vector<double>> versions;
    for (int v = 0; v < 19; ++v) versions.push_back(normals<double>(features));
    nn::Batch const all{-1, 0, row_count};
    for (auto const count : {19, 3}) {
      versions.resize(static_cast<std::size_t>(count));
      auto const scores = chain.evaluate(versions);
      for (std::size_t v = 0; v < versions.size(); ++v) {
        auto const& w = versions[v];
        double const value = naive_loss(p, all, w) + p.spec.l2 / 2 * square(w);
        CHECK(scores[v].value == doctest::Approx(value).epsilon(1e-12));
        double const gradient_sq = square(naive_gradient(p, all, w, w));
        CHECK(scores[v].gradient_sq == doctest::Approx(gradient_sq).epsilon(1e-12));
        double correct = 0;
        for (std::int64_t row = 0; row < row_count; ++row) {
          double const y = p.data.targets[static_cast<std::size_t>(row)];
          correct += (z_of(p, row, w) > 0) == (y > 0.5) ? 1 : 0;
        }
        if (is_quadratic(p))
          CHECK(std::isnan(scores[v].correct));
        else
          CHECK(scores[v].correct == correct);
      }
    }
  });
}

TEST_CASE("a sweep leaves out rows that the run leaves out") {
  auto p = problem("quadratic", 3, false, 0);
  p.spec.rows = 20;
  Chain<double> chain(p.spec, p.data);
  auto const w = normals<double>(features);
  CHECK(chain.evaluate({w})[0].value == doctest::Approx(naive_loss(p, {-1, 0, 20}, w)));
}

TEST_CASE("a stage of a linear objective knows its slice, starts at 0 and sends running sums") {
  auto const p = problem("logistic", 4, false, 0);
  Chain<double> chain(p.spec, p.data);
  CHECK(chain.start(5) == std::vector<double>(features, 0.0));
  auto const named = chain.block(1).parameters();
  REQUIRE(named.size() == 1);
  CHECK(named[0].name == "weight");
  CHECK(named[0].shape == std::vector<std::int64_t>{3});
  CHECK((named[0].first == 3 && named[0].whole == features));
  auto const first = chain.block(0).sizes(5);
  auto const last = chain.block(3).sizes(5);
  CHECK((first.input == 0 && first.output == 5 && first.saved == 0 && first.flow == 0));
  CHECK((last.input == 5 && last.output == 0 && last.saved == 5 && last.flow == 0));
}

TEST_CASE("as many versions are swept at once as keep the message small, at most 64") {
  auto p = problem("quadratic", 1, false, 0);
  CHECK(Chain<double>(p.spec, p.data).block(0).sweep_plan().versions_per_sweep == 64);
  p.spec.rows = 32561;
  p.spec.features = 1;
  p.data.features = DenseFeatures<double>{p.spec.rows, 1, normals<double>(p.spec.rows)};
  p.data.targets.resize(static_cast<std::size_t>(p.spec.rows));
  auto const plan = Chain<double>(p.spec, p.data).block(0).sweep_plan();
  CHECK(plan.versions_per_sweep == 16);
  CHECK(plan.rows_per_sweep == p.spec.rows);
  CHECK(plan.backward);
}
