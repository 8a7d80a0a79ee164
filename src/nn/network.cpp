#include "quartic/nn/network.hpp"

#include <algorithm>
#include <utility>

#include "quartic/nn/cut.hpp"
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

/// Rows that an evaluation takes at once: few where they leave much behind. All stages have to
/// agree, so it is the whole network that decides.
template <class T>
std::int64_t rows_per_sweep(std::vector<Unit<T>> const& units) {
  constexpr std::int64_t most_elements = std::int64_t{1} << 24;
  std::int64_t elements = 0;
  for (auto const& unit : units) {
    for (auto const& named : unit) {
      Sizes const sizes = named.layer->sizes(1);
      elements += sizes.output + sizes.saved;
    }
  }
  return std::clamp<std::int64_t>(most_elements / std::max<std::int64_t>(elements, 1), 1, 512);
}

/// One version at a time, forward only.
template <class T>
SweepPlan sweep_plan(ModelSpec const& spec, std::vector<Unit<T>> const& units) {
  SweepPlan plan;
  plan.rows = spec.evaluated_rows == 0 ? spec.rows : std::min(spec.rows, spec.evaluated_rows);
  plan.held_out_first = spec.held_out_first;
  plan.held_out_rows = spec.held_out_rows;
  plan.rows_per_sweep = std::min(rows_per_sweep(units), std::max(plan.rows, plan.held_out_rows));
  return plan;
}

}  // namespace

template <class T>
std::unique_ptr<Block<T>> make_network(ModelSpec const& spec, int stage, std::vector<Unit<T>> units,
                                       Features<T> const& features, std::vector<T> const& targets) {
  SequentialParts<T> parts;
  parts.sweeps = sweep_plan(spec, units);
  auto const count = std::ssize(units);
  auto const cut = spec.cut.empty() ? even_cut(count, spec.stages) : spec.cut;
  Part const mine = units_of_stage(cut, count, stage);
  for (std::int64_t unit = 0; unit < mine.first + mine.size; ++unit) {
    auto& layers = units[static_cast<std::size_t>(unit)];
    if (unit < mine.first) {
      parts.first_parameter += parameters_of(layers);
      continue;
    }
    for (auto& named : layers) parts.layers.push_back(std::move(named));
  }
  std::optional<RowOrder> order;
  if (spec.shuffle) order.emplace(spec.seed, spec.rows);
  if (stage == 0) {
    std::optional<Augmentation> augmentation;
    if (spec.augment != Augment::none)
      augmentation.emplace(spec.augment, spec.image, spec.rows, spec.seed);
    parts.data.emplace(std::visit([](auto const& x) { return dense_copy(x); }, features), order,
                       augmentation);
  }
  if (stage == spec.stages - 1) {
    parts.loss.emplace(spec.classes, std::span<T const>(targets), spec.labels_a_row);
    parts.order = std::move(order);
  }
  parts.accumulate = spec.accumulate;
  parts.recompute = spec.recompute;
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
