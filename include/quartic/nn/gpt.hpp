#pragma once

#include <string>
#include <vector>

#include "quartic/nn/model.hpp"
#include "quartic/nn/network.hpp"

namespace quartic::nn {

/// tiny: 4 blocks of 128. nano: 14 blocks of 256, the language model of Ilin and Richtárik 2026
/// (arXiv 2606.03498). small, medium: those of GPT-2.
std::vector<std::string> gpt_presets();
/// `given` with the sizes of `preset` where it has 0. UsageError when there is no such preset.
GptSize gpt_size(std::string const& preset, GptSize given);

/// A GPT-style language model (Radford et al. 2019, GPT-2): token and learned position embedding;
/// blocks x + attention(LN(x)), x + MLP(LN(x)) with a GELU of 4 × width; a last LayerNorm and an
/// untied head without bias. Units: the embedding, each block, the head. Start weights are GPT-2's:
/// normal with deviation 0.02, over √(2 layers) where a branch ends, biases 0. Parameters have the
/// names of nanoGPT's state dict: "transformer.h.3.attn.c_attn.weight".
template <class T>
std::vector<Unit<T>> gpt_units(ModelSpec const& spec);

}  // namespace quartic::nn
