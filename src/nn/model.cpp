#include "quartic/nn/model.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/nn/cut.hpp"
#include "quartic/nn/gpt.hpp"
#include "quartic/nn/image_model.hpp"
#include "quartic/nn/linear_block.hpp"
#include "quartic/nn/mlp.hpp"

namespace quartic::nn {
namespace {

bool is_linear(ModelSpec const& spec) {
  return linear_loss<double>(spec.objective) != nullptr;
}

// The columns `wanted`, out of data that holds only the columns `loaded`.
template <class T>
Features<T> loaded_columns(Dataset<T> const& data, Part loaded, Part wanted) {
  bool const inside = loaded.first <= wanted.first &&
                      wanted.first + wanted.size <= loaded.first + loaded.size &&
                      loaded.size == columns(data.features);
  if (!inside) failure("a stage's columns of the data are not among those loaded");
  return slice_columns(data.features, Part{wanted.first - loaded.first, wanted.size});
}

/// The units of a network that a cut may not divide.
template <class T>
std::vector<Unit<T>> network_units(ModelSpec const& spec) {
  if (spec.objective == "gpt") return gpt_units<T>(spec);
  if (spec.objective == "conv") return image_units<T>(spec);
  return mlp_units<T>(spec);
}

void check_images(ModelSpec const& spec) {
  auto const& names = image_model_names();
  if (std::find(names.begin(), names.end(), spec.model) == names.end()) {
    usage_error("--model {}: unknown model; valid: {}", spec.model, fmt::join(names, ", "));
  }
  if (spec.image.channels == 0) {
    usage_error(
        "--objective conv: the rows of this data are not images; valid: IDX images, CIFAR images, "
        "and generate:images with a square number of --features");
  }
}

template <class T>
std::unique_ptr<Block<T>> make_linear(ModelSpec const& spec, int stage, Dataset<T> const& data,
                                      Part loaded) {
  Part const part = columns_of_stage(spec, stage);
  std::span<T const> const targets(data.targets);
  return std::make_unique<LinearBlock<T>>(spec, stage, part, loaded_columns(data, loaded, part),
                                          stage == spec.stages - 1 ? targets : targets.first(0));
}

}  // namespace

std::vector<UnitSize> unit_sizes(ModelSpec const& spec) {
  if (is_linear(spec)) failure("the objective {} has no units to cut", spec.objective);
  std::vector<UnitSize> all;
  for (Unit<float>& layers : network_units<float>(spec)) {
    UnitSize& unit = all.emplace_back();
    unit.name = layers.front().name;
    Chain<float> const chain(std::move(layers));
    Sizes const sizes = chain.sizes(spec.microbatch_size);
    unit.parameters = parameter_count(chain);
    unit.flops = chain.flops(spec.microbatch_size);
    unit.input = sizes.input;
    unit.saved = sizes.saved + sizes.output;
  }
  return all;
}

void check_cut(ModelSpec const& spec) {
  bool const has_images = spec.objective == "conv";
  bool const is_text = spec.objective == "gpt";
  if (!is_linear(spec) && spec.objective != "mlp" && !has_images && !is_text) {
    usage_error("--objective {}: unknown objective; valid: quadratic, logistic, mlp, conv, gpt",
                spec.objective);
  }
  if (spec.stages < 1) usage_error("--stages {}: must be at least 1", spec.stages);
  if (is_linear(spec) && spec.stages > spec.features) {
    usage_error("--stages {}: data with {} features can be cut into at most {} stages", spec.stages,
                spec.features, spec.features);
  }
  if (is_linear(spec)) return;
  if (is_text && spec.gpt.width % spec.gpt.heads != 0) {
    usage_error("--heads {}: must divide --width {}", spec.gpt.heads, spec.gpt.width);
  }
  if (has_images) check_images(spec);
  auto const units = std::ssize(network_units<float>(spec));
  if (spec.stages > units) {
    usage_error("--stages {}: this {} can be cut into at most {} stages", spec.stages,
                has_images ? spec.model : spec.objective, units);
  }
  if (!spec.cut.empty()) check_cut_by_hand(spec.cut, units, spec.stages);
}

Part columns_of_stage(ModelSpec const& spec, int stage) {
  if (is_linear(spec)) return even_part(spec.features, spec.stages, stage);
  return {0, stage == 0 ? spec.features : 0};
}

template <class T>
std::unique_ptr<Block<T>> make_block(ModelSpec const& spec, int stage, Dataset<T> const& data,
                                     Part loaded) {
  check_cut(spec);
  if (is_linear(spec)) return make_linear(spec, stage, data, loaded);
  auto units = network_units<T>(spec);
  if (stage > 0) return make_network(spec, stage, std::move(units), Features<T>{}, data.targets);
  Part const part = columns_of_stage(spec, stage);
  return make_network(spec, stage, std::move(units), loaded_columns(data, loaded, part),
                      data.targets);
}

template std::unique_ptr<Block<float>> make_block(ModelSpec const&, int, Dataset<float> const&,
                                                  Part);
template std::unique_ptr<Block<double>> make_block(ModelSpec const&, int, Dataset<double> const&,
                                                   Part);

}  // namespace quartic::nn
