#pragma once

#include <vector>

#include "quartic/nn/model.hpp"
#include "quartic/nn/network.hpp"

namespace quartic::nn {

/// A GPT-style language model (Radford et al. 2019, GPT-2): token and learned position embedding;
/// blocks x + attention(LN(x)), x + MLP(LN(x)) with a GELU of 4 × width; a last LayerNorm and an
/// untied head without bias. Units: the embedding, each block, the head. Start weights are GPT-2's:
/// normal with deviation 0.02, over √(2 layers) where a branch ends, biases 0. Parameters have the
/// names of nanoGPT's state dict: "transformer.h.3.attn.c_attn.weight".
template <class T>
std::vector<Unit<T>> gpt_units(ModelSpec const& spec);

}  // namespace quartic::nn
