#include "quartic/nn/gpt.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/causal_attention.hpp"
#include "quartic/nn/dense.hpp"
#include "quartic/nn/embedding.hpp"
#include "quartic/nn/layer_norm.hpp"
#include "quartic/nn/residual.hpp"

namespace quartic::nn {
namespace {

constexpr double deviation = 0.02;

struct Preset {
  char const* name = nullptr;
  GptSize size;
};
constexpr std::array presets{Preset{"tiny", {4, 128, 4, 64}}, Preset{"nano", {14, 256, 4, 64}},
                             Preset{"small", {12, 768, 12, 1024}},
                             Preset{"medium", {24, 1024, 16, 1024}}};

// LN, a dense layer to `inner`, what is done there, and a dense layer back: x + that.
template <class T>
NamedLayer<T> branch(ModelSpec const& spec, std::string const& block, std::string const& norm,
                     std::string const& in, NamedLayer<T> inside, std::string const& out) {
  std::int64_t const width = spec.gpt.width;
  std::int64_t const places = spec.gpt.sequence;
  Sizes const inner = inside.layer->sizes(1);
  double const last = deviation / std::sqrt(2 * static_cast<double>(spec.gpt.layers));
  std::vector<NamedLayer<T>> layers;
  layers.push_back({norm, std::make_unique<LayerNorm<T>>(width, places)});
  layers.push_back({in, std::make_unique<Dense<T>>(width, inner.input / places,
                                                   DenseForm{places, true, deviation})});
  layers.push_back(std::move(inside));
  layers.push_back({out, std::make_unique<Dense<T>>(inner.output / places, width,
                                                    DenseForm{places, true, last})});
  return {block, std::make_unique<Residual<T>>(std::make_unique<Chain<T>>(std::move(layers)))};
}

template <class T>
Unit<T> block_unit(ModelSpec const& spec, std::int64_t block) {
  auto const [layers, width, heads, sequence] = spec.gpt;
  std::string const name = fmt::format("transformer.h.{}", block);
  Unit<T> unit;
  unit.push_back(branch<T>(spec, name, "ln_1", "attn.c_attn",
                           {"", std::make_unique<CausalAttention<T>>(width, heads, sequence)},
                           "attn.c_proj"));
  unit.push_back(
      branch<T>(spec, name, "ln_2", "mlp.c_fc",
                {"", std::make_unique<ActivationLayer<T>>(Activation::gelu, 4 * width * sequence)},
                "mlp.c_proj"));
  return unit;
}

}  // namespace

std::vector<std::string> gpt_presets() {
  std::vector<std::string> names;
  names.reserve(presets.size());
  for (Preset const& preset : presets) names.emplace_back(preset.name);
  return names;
}

GptSize gpt_size(std::string const& preset, GptSize given) {
  auto const* const found = std::find_if(presets.begin(), presets.end(),
                                         [&](Preset const& p) { return p.name == preset; });
  if (found == presets.end()) {
    usage_error("--preset {}: unknown preset; valid: {}", preset, fmt::join(gpt_presets(), ", "));
  }
  for (auto const size : {&GptSize::layers, &GptSize::width, &GptSize::heads, &GptSize::sequence}) {
    if (given.*size == 0) given.*size = found->size.*size;
  }
  return given;
}

template <class T>
std::vector<Unit<T>> gpt_units(ModelSpec const& spec) {
  auto const [layers, width, heads, sequence] = spec.gpt;
  std::vector<Unit<T>> units(1);
  units[0].push_back(
      {"transformer", std::make_unique<Embedding<T>>(spec.classes, sequence, width)});
  for (std::int64_t block = 0; block < layers; ++block) {
    units.push_back(block_unit<T>(spec, block));
  }
  Unit<T> head;
  head.push_back({"transformer.ln_f", std::make_unique<LayerNorm<T>>(width, sequence)});
  head.push_back({"lm_head", std::make_unique<Dense<T>>(width, spec.classes,
                                                        DenseForm{sequence, false, deviation})});
  units.push_back(std::move(head));
  return units;
}

template std::vector<Unit<float>> gpt_units(ModelSpec const&);
template std::vector<Unit<double>> gpt_units(ModelSpec const&);

}  // namespace quartic::nn
