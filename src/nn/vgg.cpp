#include <array>
#include <string>
#include <utility>

#include "image_layers.hpp"
#include "quartic/nn/image_model.hpp"

namespace quartic::nn {
namespace {

// Convolutions of one width, before the image is halved.
struct Section {
  std::int64_t channels;
  std::int64_t convolutions;
};
constexpr std::array<Section, 5> sections{{{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}};

}  // namespace

template <class T>
std::vector<Unit<T>> vgg_units(ModelSpec const& spec) {
  bool const normalises = spec.model == "vgg16-bn";
  ImageLayers<T> layers(spec);
  std::vector<Unit<T>> units;
  int module = 0;
  auto const add = [&](std::unique_ptr<Layer<T>> layer) {
    units.back().push_back({"features." + std::to_string(module++), std::move(layer)});
  };
  auto const add_unnamed = [&](std::unique_ptr<Layer<T>> layer) {
    units.back().push_back({"", std::move(layer)});
  };
  for (Section const& section : sections) {
    for (std::int64_t i = 0; i < layers.capped(section.convolutions); ++i) {
      units.emplace_back();
      if (units.size() == 1 && layers.is_small()) add_unnamed(layers.pad());
      add(layers.convolution(layers.scaled(section.channels), 3, 1, true));
      if (normalises) add(layers.batch_norm());
      add(layers.relu());
    }
    add(layers.halve());
  }
  units.emplace_back();
  add_unnamed(layers.mean());
  units.back().push_back({"classifier", layers.classifier()});
  return units;
}

template std::vector<Unit<float>> vgg_units(ModelSpec const&);
template std::vector<Unit<double>> vgg_units(ModelSpec const&);

}  // namespace quartic::nn
