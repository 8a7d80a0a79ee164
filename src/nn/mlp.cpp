#include "quartic/nn/mlp.hpp"

#include <string>
#include <utility>

#include "quartic/core/partition.hpp"
#include "quartic/nn/activation_layer.hpp"
#include "quartic/nn/dense.hpp"
#include "quartic/nn/sequential_block.hpp"

namespace quartic::nn {
namespace {

// Width of what unit `unit` reads; of the logits for unit = mlp_units.
std::int64_t width_before(ModelSpec const& spec, std::int64_t unit) {
  if (unit == 0) return spec.features;
  if (unit == mlp_units(spec)) return spec.classes;
  return spec.hidden[static_cast<std::size_t>(unit - 1)];
}

// In PyTorch's Sequential an activation is a module of its own, so unit u starts at module 2u; in
// the count of parameters it is none, so unit u starts at parameter 2u as well.
template <class T>
void add_unit(ModelSpec const& spec, std::int64_t unit, std::vector<PlacedLayer<T>>& layers) {
  std::int64_t const inputs = width_before(spec, unit);
  std::int64_t const outputs = width_before(spec, unit + 1);
  auto const number = static_cast<std::uint32_t>(2 * unit);
  layers.push_back({std::to_string(number), number, std::make_unique<Dense<T>>(inputs, outputs)});
  if (unit + 1 == mlp_units(spec)) return;
  layers.push_back({std::to_string(number + 1), number + 2,
                    std::make_unique<ActivationLayer<T>>(spec.activation, outputs)});
}

template <class T>
DenseFeatures<T> dense_copy(DenseFeatures<T> const& x) {
  return x;
}

template <class T>
DenseFeatures<T> dense_copy(SparseFeatures<T> const& x) {
  DenseFeatures<T> dense{x.rows, x.columns, {}};
  dense.values.resize(static_cast<std::size_t>(x.rows * x.columns));
  for (std::size_t row = 0; row < static_cast<std::size_t>(x.rows); ++row) {
    T* const line = dense.values.data() + static_cast<std::int64_t>(row) * x.columns;
    for (auto entry = static_cast<std::size_t>(x.row_begin[row]);
         entry < static_cast<std::size_t>(x.row_begin[row + 1]); ++entry) {
      line[x.column[entry]] = x.values[entry];
    }
  }
  return dense;
}

}  // namespace

std::int64_t mlp_units(ModelSpec const& spec) {
  return std::ssize(spec.hidden) + 1;
}

template <class T>
std::unique_ptr<Block<T>> make_mlp(ModelSpec const& spec, int stage, Features<T> const& features,
                                   std::vector<T> const& targets) {
  SequentialParts<T> parts;
  Part const units = even_part(mlp_units(spec), spec.stages, stage);
  for (std::int64_t unit = units.first; unit < units.first + units.size; ++unit) {
    add_unit(spec, unit, parts.layers);
  }
  if (stage == 0) {
    parts.features = std::visit([](auto const& x) { return dense_copy(x); }, features);
  }
  if (stage == spec.stages - 1) parts.loss.emplace(spec.classes, std::span<T const>(targets));
  parts.rows = spec.rows;
  parts.accumulate = spec.accumulate;
  return std::make_unique<SequentialBlock<T>>(std::move(parts));
}

template std::unique_ptr<Block<float>> make_mlp(ModelSpec const&, int, Features<float> const&,
                                                std::vector<float> const&);
template std::unique_ptr<Block<double>> make_mlp(ModelSpec const&, int, Features<double> const&,
                                                 std::vector<double> const&);

}  // namespace quartic::nn
