#include <doctest/doctest.h>

#include "quartic/core/row_order.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

constexpr std::int64_t row_count = 20;
constexpr std::int64_t width = 6;

Dataset<double> make_data() {
  Dataset<double> data{DenseFeatures<double>{row_count, width, normals<double>(row_count * width)},
                       {}};
  for (std::int64_t row = 0; row < row_count; ++row) {
    data.targets.push_back(static_cast<double>((row * row + 1) % 3));
  }
  return data;
}

// Always the same: every call of normals() draws others.
Dataset<double> const& data_in_order() {
  static Dataset<double> const data = make_data();
  return data;
}

// The data of an epoch, moved by hand.
Dataset<double> data_of_epoch(nn::ModelSpec const& spec, std::int64_t epoch) {
  auto const& data = data_in_order();
  auto const& values = std::get<DenseFeatures<double>>(data.features).values;
  Dataset<double> moved{DenseFeatures<double>{row_count, width, {}}, {}};
  auto& to = std::get<DenseFeatures<double>>(moved.features).values;
  RowOrder order(spec.seed, row_count);
  for (std::int64_t const row : order.rows(epoch, 0, row_count)) {
    auto const begin = values.begin() + row * width;
    to.insert(to.end(), begin, begin + width);
    moved.targets.push_back(data.targets[static_cast<std::size_t>(row)]);
  }
  return moved;
}

nn::ModelSpec perceptron(int stages, bool shuffle) {
  nn::ModelSpec spec;
  spec.objective = "mlp";
  spec.stages = stages;
  spec.rows = row_count;
  spec.features = width;
  spec.classes = 3;
  spec.hidden = {5, 4};
  spec.activation = nn::Activation::tanh;
  spec.accumulate = 2;
  spec.shuffle = shuffle;
  spec.seed = 11;
  return spec;
}

}  // namespace

TEST_CASE("a shuffled model is the model of the data in the epoch's order, bitwise") {
  for (int const stages : {1, 2, 3}) {
    CAPTURE(stages);
    Chain<double> shuffled(perceptron(stages, true), data_in_order());
    auto const w = shuffled.start(17);
    for (std::int64_t const epoch : {0, 2, 1, 2}) {
      CAPTURE(epoch);
      Chain<double> moved(perceptron(stages, false),
                          data_of_epoch(perceptron(stages, true), epoch));
      for (nn::Batch const batch : {nn::Batch{0, 0, 5, epoch}, nn::Batch{3, 15, 5, epoch}}) {
        CHECK(shuffled.forward(batch, w) == moved.forward(batch, w));
        CHECK(shuffled.gradient(batch, w) == moved.gradient(batch, w));
      }
    }
  }
}

TEST_CASE("without shuffling the epoch means nothing") {
  Chain<double> chain(perceptron(2, false), data_in_order());
  auto const w = chain.start(17);
  CHECK(chain.gradient({0, 5, 5, 0}, w) == chain.gradient({0, 5, 5, 3}, w));
}

TEST_CASE("a backward reads what its forward has read, though the next epoch has begun") {
  auto const spec = perceptron(1, true);
  auto const block = nn::make_block(spec, 0, data_in_order(), {0, width});
  std::vector<double> w(static_cast<std::size_t>(block->parameter_count()));
  block->initialise(w, 17);
  auto const sizes = block->sizes(5);
  auto const buffer = [](std::int64_t size) { return poison<double>(size); };
  CountingPulse pulse;
  auto const gradient_of = [&](bool interrupted) {
    nn::Batch const batch{0, 10, 5, 4};
    auto saved = buffer(sizes.saved);
    auto other = saved;
    auto flow = buffer(sizes.flow);
    std::vector<double> gradient(w.size());
    run(*block, &nn::Block<double>::forward, batch, w, {}, {}, saved, pulse);
    if (interrupted)
      run(*block, &nn::Block<double>::forward, {1, 0, 5, 5}, w, {}, {}, other, pulse);
    run(*block, &nn::Block<double>::backward_input, batch, w, {}, saved, {}, {}, flow, pulse);
    run(*block, &nn::Block<double>::backward_weight, batch, w, {}, saved, {}, flow, gradient,
        pulse);
    return gradient;
  };
  CHECK(gradient_of(true) == gradient_of(false));
}

TEST_CASE("evaluation reads the data in its own order") {
  auto const score_of = [](bool shuffle) {
    auto const block = nn::make_block(perceptron(1, shuffle), 0, data_in_order(), {0, width});
    std::vector<double> w(static_cast<std::size_t>(block->parameter_count()));
    block->initialise(w, 17);
    std::vector<nn::Score> score(1);
    run(*block, &nn::Block<double>::sweep_forward, {3, 4, 1}, w, {}, {}, score);
    return score[0];
  };
  CHECK(score_of(true).value == score_of(false).value);
  CHECK(score_of(true).correct == score_of(false).correct);
}
