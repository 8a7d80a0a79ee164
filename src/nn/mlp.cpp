#include "quartic/nn/mlp.hpp"

#include <string>
#include <utility>

#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/dense.hpp"

namespace quartic::nn {

template <class T>
std::vector<Unit<T>> mlp_units(ModelSpec const& spec) {
  std::vector<Unit<T>> units;
  std::int64_t inputs = spec.features;
  int module = 0;
  auto const dense = [&](std::int64_t outputs) {
    Unit<T> unit;
    auto const width = std::exchange(inputs, outputs);
    unit.push_back({std::to_string(module++), std::make_unique<Dense<T>>(width, outputs)});
    return unit;
  };
  for (std::int64_t const width : spec.hidden) {
    units.push_back(dense(width));
    units.back().push_back(
        {std::to_string(module++), std::make_unique<ActivationLayer<T>>(spec.activation, width)});
  }
  units.push_back(dense(spec.classes));
  return units;
}

template std::vector<Unit<float>> mlp_units(ModelSpec const&);
template std::vector<Unit<double>> mlp_units(ModelSpec const&);

}  // namespace quartic::nn
