// Counts the program's allocations: the steady state of training and evaluation must have none.
#include <doctest/doctest.h>

#include "quartic/nn/optimizer.hpp"
#include "support/allocations.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

// One stage that is first and last, with its buffers made beforehand.
struct Stage {
  explicit Stage(nn::ModelSpec const& spec, Dataset<double> const& data, std::int64_t most_rows)
      : block(nn::make_block(spec, 0, data, {0, spec.features})),
        optimizer(nn::make_optimizer<double>({"momentum"}, block->parameter_count())),
        weights(normals<double>(3 * block->parameter_count())),
        gradient(weights.size()),
        saved(static_cast<std::size_t>(block->sizes(most_rows).saved)),
        flow(static_cast<std::size_t>(block->sizes(most_rows).flow)),
        scores(3) {}

  void train(nn::Batch batch) {
    auto const sizes = block->sizes(batch.rows);
    auto const count = static_cast<std::size_t>(block->parameter_count());
    auto const w = std::span<double>(weights).first(count);
    auto const g = std::span<double>(gradient).first(count);
    auto const s = std::span<double>(saved).first(static_cast<std::size_t>(sizes.saved));
    auto const f = std::span<double>(flow).first(static_cast<std::size_t>(sizes.flow));
    block->forward(batch, w, {}, {}, s, pulse);
    block->backward_input(batch, w, {}, s, {}, {}, f, pulse);
    block->backward_weight(batch, w, {}, s, {}, f, g, pulse);
    optimizer->step(w, w, g, 0.01);
  }
  void evaluate(std::int64_t versions) {
    auto const plan = block->sweep_plan();
    nn::Sweep const sweep{0, plan.rows_per_sweep, versions};
    auto const count = static_cast<std::size_t>(versions);
    auto const w = std::span<double const>(weights).first(
        count * static_cast<std::size_t>(block->parameter_count()));
    block->sweep_forward(sweep, w, {}, {}, std::span(scores).first(count));
    if (plan.backward) block->sweep_backward(sweep, w, {}, {}, std::span(scores).first(count));
  }

  std::unique_ptr<nn::Block<double>> block;
  std::unique_ptr<nn::Optimizer<double>> optimizer;
  std::vector<double> weights, gradient, saved, flow;
  std::vector<nn::Score> scores;
  CountingPulse pulse;
};

std::size_t allocations_of_steady_state(Stage& stage, std::int64_t versions) {
  stage.train({0, 0, 8});
  stage.evaluate(versions);
  std::size_t const before = test::allocations();
  for (std::int64_t i = 0; i < 3; ++i) {
    stage.train({i, i, 8, i});
    stage.train({i, i, 5, i});
    stage.evaluate(versions);
    stage.evaluate(1);
  }
  return test::allocations() - before;
}

}  // namespace

TEST_CASE("the counter counts") {
  std::size_t const before = test::allocations();
  std::vector<double> const some(100);
  CHECK(test::allocations() > before);
}

TEST_CASE("training and evaluation allocate nothing after the first call") {
  nn::ModelSpec spec;
  spec.rows = 20;
  spec.features = 6;
  spec.classes = 2;
  spec.hidden = {5, 4};
  Dataset<double> data{DenseFeatures<double>{20, 6, normals<double>(120)}, {}};
  for (int row = 0; row < 20; ++row) data.targets.push_back(row % 2);
  for (std::string const objective : {"quadratic", "logistic", "mlp"}) {
    CAPTURE(objective);
    spec.objective = objective;
    spec.l2 = objective == "logistic" ? 0.1 : 0;
    Stage stage(spec, data, 8);
    CHECK(allocations_of_steady_state(stage, objective == "mlp" ? 1 : 3) == 0);
  }
  spec.objective = "mlp";
  spec.shuffle = true;
  Stage shuffled(spec, data, 8);
  CHECK(allocations_of_steady_state(shuffled, 1) == 0);
  for (std::string const model : {"vgg16-bn", "resnet50"}) {
    CAPTURE(model);
    spec.objective = "conv";
    spec.model = model;
    spec.image = {1, 2, 3};
    spec.width_factor = 0.02;
    spec.depth = 1;
    Stage stage(spec, data, 8);
    CHECK(allocations_of_steady_state(stage, 1) == 0);
  }
  spec.objective = "quadratic";
  data.features = sparse<double>(20, 6);
  Stage stage(spec, data, 8);
  CHECK(allocations_of_steady_state(stage, 3) == 0);
}
