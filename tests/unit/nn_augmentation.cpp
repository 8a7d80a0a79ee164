#include <doctest/doctest.h>

#include <map>
#include <tuple>

#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;
using nn::Augment;
using nn::Augmentation;

namespace {

constexpr ImageShape shape{2, 6, 7};
constexpr std::int64_t pixels = 2 * 6 * 7;

// Every pixel another value, none of them 0.
std::vector<double> picture() {
  std::vector<double> values;
  for (int i = 1; i <= pixels; ++i) values.push_back(i);
  return values;
}

std::vector<double> changed(Augmentation const& augmentation, std::int64_t epoch,
                            std::int64_t row) {
  auto const from = picture();
  auto to = poison<double>(pixels);
  augmentation.copy<double>(epoch, row, from, to);
  return to;
}

// A window of the picture with zeros around it, pixel by pixel.
std::vector<double> by_hand(bool flipped, std::int64_t down, std::int64_t right) {
  auto const from = picture();
  std::vector<double> to;
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        std::int64_t const source_y = y + down;
        std::int64_t const source_x = (flipped ? shape.width - 1 - x : x) + right;
        bool const inside =
            source_y >= 0 && source_y < shape.height && source_x >= 0 && source_x < shape.width;
        std::int64_t const at = (channel * shape.height + source_y) * shape.width + source_x;
        to.push_back(inside ? from[static_cast<std::size_t>(at)] : 0);
      }
    }
  }
  return to;
}

// How often each of the windows within `reach`, mirrored or not, has come up; others fail.
std::map<std::vector<double>, int> counts(Augmentation const& augmentation, bool flips,
                                          std::int64_t reach, int draws) {
  std::map<std::vector<double>, int> windows;
  for (int flipped = 0; flipped <= (flips ? 1 : 0); ++flipped) {
    for (std::int64_t down = -reach; down <= reach; ++down) {
      for (std::int64_t right = -reach; right <= reach; ++right) {
        windows[by_hand(flipped == 1, down, right)] = 0;
      }
    }
  }
  for (int row = 0; row < draws; ++row) {
    auto const found = windows.find(changed(augmentation, 3, row));
    REQUIRE(found != windows.end());
    ++found->second;
  }
  return windows;
}

Dataset<double> const& images() {
  static Dataset<double> const data = [] {
    Dataset<double> made{DenseFeatures<double>{20, pixels, normals<double>(20 * pixels)}, {}};
    for (int row = 0; row < 20; ++row) made.targets.push_back(row % 3);
    return made;
  }();
  return data;
}

nn::ModelSpec perceptron(int stages, Augment augment) {
  nn::ModelSpec spec;
  spec.objective = "mlp";
  spec.stages = stages;
  spec.rows = 20;
  spec.features = pixels;
  spec.classes = 3;
  spec.hidden = {5};
  spec.image = shape;
  spec.augment = augment;
  spec.seed = 5;
  return spec;
}

}  // namespace

TEST_CASE("a flip mirrors every line, every other time") {
  auto const windows = counts(Augmentation(Augment::flip, shape, 2000, 1), true, 0, 2000);
  CHECK(windows.size() == 2);
  for (auto const& [window, count] : windows) CHECK(std::abs(count - 1000) < 120);
}

TEST_CASE("a crop is any window of the image with zeros around it, as often as any other") {
  auto const windows = counts(Augmentation(Augment::crop, shape, 9000, 1), false, 4, 8100);
  CHECK(windows.size() == 81);
  for (auto const& [window, count] : windows) CHECK(std::abs(count - 100) < 60);
  auto const both = counts(Augmentation(Augment::flip_crop, shape, 9000, 1), true, 4, 8100);
  CHECK(both.size() == 162);
  for (auto const& [window, count] : both) CHECK(std::abs(count - 50) < 45);
}

TEST_CASE("what is drawn depends on seed, epoch and row") {
  Augmentation const one(Augment::flip_crop, shape, 100, 1);
  CHECK(changed(one, 2, 7) == changed(Augmentation(Augment::flip_crop, shape, 100, 1), 2, 7));
  int different = 0;
  for (int row = 0; row < 50; ++row) {
    auto const image = changed(one, 2, row);
    Augmentation const other(Augment::flip_crop, shape, 100, 2);
    different += image != changed(one, 3, row) ? 1 : 0;
    different += image != changed(other, 2, row) ? 1 : 0;
  }
  CHECK(different > 90);
}

TEST_CASE("a model that changes its images is the model of images changed by hand") {
  for (int const stages : {1, 2}) {
    nn::ModelSpec const spec = perceptron(stages, Augment::flip_crop);
    Chain<double> chain(spec, images());
    auto const w = chain.start(17);
    for (std::int64_t const epoch : {0, 1, 5}) {
      Dataset<double> by_hand = images();
      auto& values = std::get<DenseFeatures<double>>(by_hand.features).values;
      auto const& before = std::get<DenseFeatures<double>>(images().features).values;
      Augmentation const augmentation(spec.augment, shape, 20, spec.seed);
      for (std::size_t row = 0; row < 20; ++row) {
        augmentation.copy(epoch, static_cast<std::int64_t>(row),
                          std::span(before).subspan(row * pixels, pixels),
                          std::span(values).subspan(row * pixels, pixels));
      }
      Chain<double> other(perceptron(stages, Augment::none), by_hand);
      nn::Batch const batch{0, 5, 10, epoch};
      CHECK(chain.forward(batch, w) == other.forward(batch, w));
      CHECK(chain.gradient(batch, w) == other.gradient(batch, w));
    }
  }
}

TEST_CASE("evaluation reads images as they are") {
  auto const value_of = [](Augment augment) {
    auto const block = nn::make_block(perceptron(1, augment), 0, images(), {0, pixels});
    std::vector<double> w(static_cast<std::size_t>(block->parameter_count()));
    block->initialise(w, 17);
    std::vector<nn::Score> score(1);
    run(*block, &nn::Block<double>::sweep_forward, {3, 4, 1}, w, {}, {}, score);
    return score[0].value;
  };
  CHECK(value_of(Augment::flip_crop) == value_of(Augment::none));
}
