#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/model.hpp"

namespace quartic::nn {

/// The units of a multi-layer perceptron that a cut may not divide: one dense layer each, with its
/// activation but for the last.
std::int64_t mlp_units(ModelSpec const& spec);

/// The block of stage `stage`: the units even_part(mlp_units, stages, stage). Names are those of a
/// PyTorch Sequential(Linear, activation, Linear, …): "0.weight", "0.bias", "2.weight", …
/// `features` is read at stage 0, `targets` at the last stage.
template <class T>
std::unique_ptr<Block<T>> make_mlp(ModelSpec const& spec, int stage, Features<T> const& features,
                                   std::vector<T> const& targets);

}  // namespace quartic::nn
