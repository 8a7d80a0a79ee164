#include "quartic/nn/image_model.hpp"

#include "quartic/core/check.hpp"

namespace quartic::nn {

std::vector<std::string> const& image_model_names() {
  static std::vector<std::string> const names{"vgg16", "vgg16-bn", "resnet50"};
  return names;
}

template <class T>
std::vector<Unit<T>> image_units(ModelSpec const& spec) {
  if (spec.model == "resnet50") return resnet_units<T>(spec);
  QUARTIC_ASSERT(spec.model == "vgg16" || spec.model == "vgg16-bn");
  return vgg_units<T>(spec);
}

template std::vector<Unit<float>> image_units(ModelSpec const&);
template std::vector<Unit<double>> image_units(ModelSpec const&);

}  // namespace quartic::nn
