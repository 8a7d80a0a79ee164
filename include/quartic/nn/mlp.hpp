#pragma once

#include <vector>

#include "quartic/nn/model.hpp"
#include "quartic/nn/network.hpp"

namespace quartic::nn {

/// A multi-layer perceptron: a unit is a dense layer with its activation, the last has none. Names
/// are those of a PyTorch Sequential(Linear, activation, Linear, …): "0.weight", "0.bias",
/// "2.weight", …
template <class T>
std::vector<Unit<T>> mlp_units(ModelSpec const& spec);

}  // namespace quartic::nn
