#include "quartic/nn/linear_block.hpp"

#include <algorithm>
#include <utility>

#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"

namespace quartic::nn {
namespace {

template <class T>
std::span<T> line(std::span<T> lines, std::int64_t index, std::int64_t length) {
  return lines.subspan(static_cast<std::size_t>(index * length), static_cast<std::size_t>(length));
}

SweepPlan sweeps_of(ModelSpec const& spec) {
  constexpr std::int64_t message_elements = std::int64_t{65536} * 8;
  std::int64_t const longest = std::max({spec.rows, spec.held_out_rows, std::int64_t{1}});
  std::int64_t const versions = std::clamp<std::int64_t>(message_elements / longest, 1, 64);
  return {spec.rows, spec.held_out_first, spec.held_out_rows, longest, versions, true};
}

}  // namespace

template <class T>
LinearLoss<T> linear_loss(std::string const& objective) {
  if (objective == "quadratic") return &compute::squared_error<T>;
  if (objective == "logistic") return &compute::log_loss<T>;
  return nullptr;
}

template <class T>
LinearBlock<T>::LinearBlock(ModelSpec const& spec, int stage, Part columns,
                            Features<T> const& features, std::span<T const> targets)
    : stage_(stage),
      stages_(spec.stages),
      features_in_all_(spec.features),
      columns_(columns),
      sweeps_(sweeps_of(spec)),
      accumulate_(spec.accumulate),
      l2_(spec.l2),
      loss_(linear_loss<T>(spec.objective)),
      features_(features),
      targets_(compute::buffer_of(targets)) {
  QUARTIC_ASSERT(loss_ != nullptr && features_.columns() == columns_.size);
  QUARTIC_ASSERT(!is_last() || targets_.size() >= spec.rows);
}

template <class T>
std::vector<Parameter> LinearBlock<T>::parameters() const {
  return {{.name = "weight",
           .shape = {columns_.size},
           .first = columns_.first,
           .whole = features_in_all_}};
}

template <class T>
void LinearBlock<T>::initialise(std::span<T> weights, std::uint64_t /*seed*/) const {
  std::ranges::fill(weights, T(0));
}

template <class T>
Sizes LinearBlock<T>::sizes(std::int64_t rows) const {
  return {is_first() ? 0 : rows, is_last() ? 0 : rows, is_last() ? rows : 0, 0};
}

template <class T>
std::span<T const> LinearBlock<T>::targets(std::int64_t first_row, std::size_t rows) const {
  return targets_.view().subspan(static_cast<std::size_t>(first_row), rows);
}

template <class T>
void LinearBlock<T>::running_sum(std::span<T const> input, std::span<T> sum) const {
  if (is_first())
    compute::fill<T>(0, sum);
  else
    compute::copy<T>(input, sum);
}

template <class T>
double LinearBlock<T>::forward(Batch batch, std::span<T const> weights, std::span<T const> input,
                               std::span<T> output, std::span<T> saved, Pulse& /*pulse*/) {
  std::span<T> const z = is_last() ? saved : output;
  running_sum(input, z);
  features_.multiply_add(batch.first_row, weights, z);
  if (!is_last()) return 0;
  auto const rows = static_cast<double>(batch.rows);
  auto const scale = static_cast<T>(1 / (rows * static_cast<double>(accumulate_)));
  return loss_(z, targets(batch.first_row, z.size()), scale, z).value / rows;
}

template <class T>
void LinearBlock<T>::backward_input(Batch /*batch*/, std::span<T const> /*weights*/,
                                    std::span<T const> /*input*/, std::span<T const> saved,
                                    std::span<T const> output_gradient, std::span<T> input_gradient,
                                    std::span<T> /*flow*/, Pulse& /*pulse*/) {
  if (input_gradient.empty()) return;
  compute::copy<T>(is_last() ? saved : output_gradient, input_gradient);
}

template <class T>
void LinearBlock<T>::backward_weight(Batch batch, std::span<T const> weights,
                                     std::span<T const> /*input*/, std::span<T const> saved,
                                     std::span<T const> output_gradient,
                                     std::span<T const> /*flow*/, std::span<T> gradient,
                                     Pulse& /*pulse*/) {
  features_.transposed_add(batch.first_row, is_last() ? saved : output_gradient, gradient);
  if (l2_ == 0) return;
  compute::add_scaled<T>(static_cast<T>(l2_ / static_cast<double>(accumulate_)), weights, gradient);
}

template <class T>
std::int64_t LinearBlock<T>::sweep_output(Sweep sweep) const {
  return is_last() ? 0 : sweep.versions * sweep.rows;
}

template <class T>
std::int64_t LinearBlock<T>::sweep_input(Sweep sweep) const {
  return is_first() ? 0 : sweep.versions * sweep.rows;
}

template <class T>
void LinearBlock<T>::sweep_forward(Sweep sweep, std::span<T const> weights,
                                   std::span<T const> input, std::span<T> output,
                                   std::span<Score> scores) {
  if (sweep.held_out) return sweep_held_out(sweep, weights, input, output, scores);
  QUARTIC_ASSERT(sweep.first_row == 0 && sweep.rows == sweeps_.rows);
  std::int64_t const length = sweep.versions * sweep.rows;
  std::span<T> const z = is_last() ? compute::at_least(sweep_residual_, length) : output;
  running_sum(input, z);
  features_.multiply_add_all(sweep.versions, weights, z);
  if (is_last()) score_losses(sweep, scores);
  if (l2_ == 0) return;
  for (std::int64_t v = 0; v < sweep.versions; ++v) {
    auto const w = line(weights, v, columns_.size);
    scores[static_cast<std::size_t>(v)].value += l2_ / 2 * compute::sum_of_squares<T>(w);
  }
}

/// Apart from the residual of the trained rows, which a backward sweep still needs.
template <class T>
void LinearBlock<T>::sweep_held_out(Sweep sweep, std::span<T const> weights,
                                    std::span<T const> input, std::span<T> output,
                                    std::span<Score> scores) {
  std::span<T> const sums =
      is_last() ? compute::at_least(held_out_, sweep.versions * sweep.rows) : output;
  running_sum(input, sums);
  for (std::int64_t v = 0; v < sweep.versions; ++v) {
    auto const z = line(sums, v, sweep.rows);
    features_.multiply_add(sweep.first_row, line(weights, v, columns_.size), z);
    if (!is_last()) continue;
    auto const sum = loss_(z, targets(sweep.first_row, z.size()), T(0), {});
    scores[static_cast<std::size_t>(v)].value +=
        sum.value / static_cast<double>(sweeps_.held_out_rows);
    scores[static_cast<std::size_t>(v)].correct += sum.correct;
  }
}

template <class T>
void LinearBlock<T>::score_losses(Sweep sweep, std::span<Score> scores) {
  auto const n = static_cast<double>(sweep.rows);
  for (std::int64_t v = 0; v < sweep.versions; ++v) {
    auto const z = line(sweep_residual_.view(), v, sweep.rows);
    auto const sum = loss_(z, targets(0, z.size()), static_cast<T>(1 / n), z);
    Score& score = scores[static_cast<std::size_t>(v)];
    score.value += sum.value / n;
    score.correct += sum.correct;
  }
}

template <class T>
void LinearBlock<T>::sweep_backward(Sweep sweep, std::span<T const> weights,
                                    std::span<T const> output_gradient, std::span<T> input_gradient,
                                    std::span<Score> scores) {
  std::span<T const> residual = output_gradient;
  if (is_last()) residual = compute::at_least(sweep_residual_, sweep.versions * sweep.rows);
  if (!is_first()) compute::copy<T>(residual, input_gradient);
  auto const gradients = compute::at_least(sweep_gradient_, sweep.versions * columns_.size);
  features_.gradients(sweep.versions, residual, gradients);
  if (l2_ != 0) compute::add_scaled<T>(static_cast<T>(l2_), weights, gradients);
  for (std::int64_t v = 0; v < sweep.versions; ++v) {
    auto const gradient = line(gradients, v, columns_.size);
    scores[static_cast<std::size_t>(v)].gradient_sq += compute::sum_of_squares<T>(gradient);
  }
}

template LinearLoss<float> linear_loss<float>(std::string const&);
template LinearLoss<double> linear_loss<double>(std::string const&);
template class LinearBlock<float>;
template class LinearBlock<double>;

}  // namespace quartic::nn
