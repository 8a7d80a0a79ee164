#include <array>
#include <string>
#include <utility>

#include "image_layers.hpp"
#include "quartic/nn/image_model.hpp"
#include "quartic/nn/residual.hpp"

namespace quartic::nn {
namespace {

// Bottleneck blocks of one width; the first of a section has its stride.
struct Section {
  std::int64_t channels;  ///< of the 3 x 3 convolution
  std::int64_t blocks;
  std::int64_t stride;
};
constexpr std::array<Section, 4> sections{{{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}}};
constexpr std::int64_t expansion = 4;

template <class T>
std::unique_ptr<Layer<T>> bottleneck(ImageLayers<T>& layers, std::int64_t channels,
                                     std::int64_t stride) {
  ImageLayers<T> beside = layers;
  std::int64_t const outputs = expansion * channels;
  std::vector<NamedLayer<T>> branch;
  branch.push_back({"conv1", layers.convolution(channels, 1, 1, false)});
  branch.push_back({"bn1", layers.batch_norm()});
  branch.push_back({"", layers.relu()});
  branch.push_back({"conv2", layers.convolution(channels, 3, stride, false)});
  branch.push_back({"bn2", layers.batch_norm()});
  branch.push_back({"", layers.relu()});
  branch.push_back({"conv3", layers.convolution(outputs, 1, 1, false)});
  branch.push_back({"bn3", layers.batch_norm()});
  auto chain = std::make_unique<Chain<T>>(std::move(branch));
  if (stride == 1 && beside.image().channels == outputs) {
    return std::make_unique<Residual<T>>(std::move(chain));
  }
  std::vector<NamedLayer<T>> shortcut;
  shortcut.push_back({"downsample.0", beside.convolution(outputs, 1, stride, false)});
  shortcut.push_back({"downsample.1", beside.batch_norm()});
  return std::make_unique<Residual<T>>(std::move(chain),
                                       std::make_unique<Chain<T>>(std::move(shortcut)));
}

}  // namespace

template <class T>
std::vector<Unit<T>> resnet_units(ModelSpec const& spec) {
  ImageLayers<T> layers(spec);
  std::vector<Unit<T>> units(1);
  auto const add = [&](std::string name, std::unique_ptr<Layer<T>> layer) {
    units.back().push_back({std::move(name), std::move(layer)});
  };
  if (layers.is_small()) add("", layers.pad());
  add("conv1", layers.convolution(layers.scaled(64), 3, 1, false));
  add("bn1", layers.batch_norm());
  add("", layers.relu());
  for (std::size_t s = 0; s < sections.size(); ++s) {
    Section const& section = sections[s];
    for (std::int64_t block = 0; block < layers.capped(section.blocks); ++block) {
      units.emplace_back();
      add("layer" + std::to_string(s + 1) + "." + std::to_string(block),
          bottleneck(layers, layers.scaled(section.channels), block == 0 ? section.stride : 1));
      add("", layers.relu());
    }
  }
  units.emplace_back();
  add("", layers.mean());
  add("fc", layers.classifier());
  return units;
}

template std::vector<Unit<float>> resnet_units(ModelSpec const&);
template std::vector<Unit<double>> resnet_units(ModelSpec const&);

}  // namespace quartic::nn
