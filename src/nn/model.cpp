#include "quartic/nn/model.hpp"

#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/nn/gpt.hpp"
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
  return spec.objective == "gpt" ? gpt_units<T>(spec) : mlp_units<T>(spec);
}

template <class T>
std::unique_ptr<Block<T>> make_linear(ModelSpec const& spec, int stage, Dataset<T> const& data,
                                      Part loaded) {
  Part const part = columns_of_stage(spec, stage);
  auto targets = stage == spec.stages - 1 ? data.targets : std::vector<T>{};
  return std::make_unique<LinearBlock<T>>(spec, stage, part, loaded_columns(data, loaded, part),
                                          std::move(targets));
}

}  // namespace

void check_cut(ModelSpec const& spec) {
  if (!is_linear(spec) && spec.objective != "mlp" && spec.objective != "gpt") {
    usage_error("--objective {}: not known; valid are quadratic, logistic, mlp, gpt",
                spec.objective);
  }
  if (spec.stages < 1) usage_error("--stages {}: a model has at least 1 stage", spec.stages);
  if (is_linear(spec) && spec.stages > spec.features) {
    usage_error("--stages {}: data with {} features can be cut into at most {} stages", spec.stages,
                spec.features, spec.features);
  }
  if (is_linear(spec)) return;
  if (spec.objective == "gpt" && spec.gpt.width % spec.gpt.heads != 0) {
    usage_error("--heads {}: does not divide --width {}", spec.gpt.heads, spec.gpt.width);
  }
  auto const units = std::ssize(network_units<float>(spec));
  if (spec.stages > units) {
    usage_error("--stages {}: this {} can be cut into at most {} stages", spec.stages,
                spec.objective, units);
  }
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
