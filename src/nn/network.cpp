#include "quartic/nn/network.hpp"

#include <algorithm>
#include <utility>

#include "quartic/core/partition.hpp"
#include "quartic/nn/sequential_block.hpp"

namespace quartic::nn {
namespace {

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

template <class T>
std::uint32_t parameters_of(Unit<T> const& unit) {
  std::size_t count = 0;
  for (auto const& named : unit) count += named.layer->parameters().size();
  return static_cast<std::uint32_t>(count);
}

/// One version at a time, forward only; in pieces that take about the memory of a microbatch.
SweepPlan sweep_plan(ModelSpec const& spec) {
  constexpr std::int64_t most_of_vectors = 512;
  SweepPlan plan;
  plan.rows = spec.evaluated_rows == 0 ? spec.rows : std::min(spec.rows, spec.evaluated_rows);
  plan.held_out_first = spec.held_out_first;
  plan.held_out_rows = spec.held_out_rows;
  plan.rows_per_sweep = spec.objective == "mlp" ? most_of_vectors : spec.microbatch_size;
  plan.rows_per_sweep = std::min(plan.rows_per_sweep, std::max(plan.rows, plan.held_out_rows));
  return plan;
}

}  // namespace

template <class T>
std::unique_ptr<Block<T>> make_network(ModelSpec const& spec, int stage, std::vector<Unit<T>> units,
                                       Features<T> const& features, std::vector<T> const& targets) {
  SequentialParts<T> parts;
  Part const mine = even_part(std::ssize(units), spec.stages, stage);
  for (std::int64_t unit = 0; unit < mine.first + mine.size; ++unit) {
    auto& layers = units[static_cast<std::size_t>(unit)];
    if (unit < mine.first) {
      parts.first_parameter += parameters_of(layers);
      continue;
    }
    for (auto& named : layers) parts.layers.push_back(std::move(named));
  }
  if (stage == 0) {
    parts.features = std::visit([](auto const& x) { return dense_copy(x); }, features);
  }
  if (stage == spec.stages - 1) {
    parts.loss.emplace(spec.classes, std::span<T const>(targets), spec.labels_a_row);
  }
  if (stage == 0 && spec.augment != Augment::none) {
    parts.augmentation.emplace(spec.augment, spec.image, spec.rows, spec.seed);
  }
  bool const reads_data = stage == 0 || stage == spec.stages - 1;
  if (spec.shuffle && reads_data) parts.order.emplace(spec.seed, spec.rows);
  parts.sweeps = sweep_plan(spec);
  parts.accumulate = spec.accumulate;
  return std::make_unique<SequentialBlock<T>>(std::move(parts));
}

template std::unique_ptr<Block<float>> make_network(ModelSpec const&, int, std::vector<Unit<float>>,
                                                    Features<float> const&,
                                                    std::vector<float> const&);
template std::unique_ptr<Block<double>> make_network(ModelSpec const&, int,
                                                     std::vector<Unit<double>>,
                                                     Features<double> const&,
                                                     std::vector<double> const&);

}  // namespace quartic::nn
