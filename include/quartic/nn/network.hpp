#pragma once

#include <memory>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/chain.hpp"
#include "quartic/nn/model.hpp"

namespace quartic::nn {

/// Layers that a cut may not divide; a network is some of them, one after the other.
template <class T>
using Unit = std::vector<NamedLayer<T>>;

/// The block of stage `stage` of a network: its share of the units by spec.cut. `features` are read
/// at stage 0, `targets` at the last stage.
template <class T>
std::unique_ptr<Block<T>> make_network(ModelSpec const& spec, int stage, std::vector<Unit<T>> units,
                                       Features<T> const& features, std::vector<T> const& targets);

}  // namespace quartic::nn
