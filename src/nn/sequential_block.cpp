#include "quartic/nn/sequential_block.hpp"

#include <algorithm>
#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::nn {
namespace {

struct NoPulse final : Pulse {
  void beat() override {}
};

}  // namespace

template <class T>
SequentialBlock<T>::SequentialBlock(SequentialParts<T> parts)
    : chain_(std::move(parts.layers)),
      parameter_count_(nn::parameter_count(chain_)),
      first_parameter_(parts.first_parameter),
      features_(std::move(parts.features)),
      loss_(std::move(parts.loss)),
      rows_(parts.rows),
      accumulate_(parts.accumulate),
      rows_per_sweep_(parts.rows_per_sweep) {}

template <class T>
void SequentialBlock<T>::initialise(std::span<T> weights, std::uint64_t seed) const {
  chain_.initialise(weights, seed, first_parameter_);
}

template <class T>
Sizes SequentialBlock<T>::sizes(std::int64_t rows) const {
  Sizes sizes = chain_.sizes(rows);
  if (features_) sizes.input = 0;
  if (loss_) sizes.saved += std::exchange(sizes.output, 0);
  return sizes;
}

template <class T>
template <class U>
typename SequentialBlock<T>::template Saved<U> SequentialBlock<T>::split(std::int64_t rows,
                                                                         std::span<U> saved) const {
  auto const chain = static_cast<std::size_t>(chain_.sizes(rows).saved);
  return {saved.first(chain), saved.subspan(chain)};
}

template <class T>
std::span<T const> SequentialBlock<T>::chain_input(Batch batch, std::span<T const> input) const {
  if (!features_) return input;
  auto const columns = features_->columns;
  return std::span<T const>(features_->values)
      .subspan(static_cast<std::size_t>(batch.first_row * columns),
               static_cast<std::size_t>(batch.rows * columns));
}

template <class T>
double SequentialBlock<T>::forward(Batch batch, std::span<T const> weights,
                                   std::span<T const> input, std::span<T> output,
                                   std::span<T> saved, Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  auto const y = loss_ ? places.logits : output;
  chain_.forward(batch.rows, weights, chain_input(batch, input), y, places.chain, pulse);
  if (!loss_) return 0;
  return loss_->mean(batch.first_row, batch.rows, accumulate_, y);
}

template <class T>
void SequentialBlock<T>::backward_input(Batch batch, std::span<T const> weights,
                                        std::span<T const> input, std::span<T const> saved,
                                        std::span<T const> output_gradient,
                                        std::span<T> input_gradient, std::span<T> flow,
                                        Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  chain_.backward_input(batch.rows, weights, chain_input(batch, input), places.chain,
                        loss_ ? places.logits : output_gradient, input_gradient, flow, pulse);
}

template <class T>
void SequentialBlock<T>::backward_weight(Batch batch, std::span<T const> weights,
                                         std::span<T const> input, std::span<T const> saved,
                                         std::span<T const> output_gradient,
                                         std::span<T const> flow, std::span<T> gradient,
                                         Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  chain_.backward_weight(batch.rows, weights, chain_input(batch, input), places.chain,
                         loss_ ? places.logits : output_gradient, flow, gradient, pulse);
}

template <class T>
SweepPlan SequentialBlock<T>::sweep_plan() const {
  return {rows_, std::min(rows_, rows_per_sweep_), 1, false};
}

template <class T>
void SequentialBlock<T>::sweep_forward(Sweep sweep, std::span<T const> weights,
                                       std::span<T const> input, std::span<T> output,
                                       std::span<nn::Score> scores) {
  QUARTIC_ASSERT(sweep.versions == 1 && scores.size() == 1);
  auto const saved = static_cast<std::size_t>(sizes(sweep.rows).saved);
  if (sweep_saved_.size() < saved) sweep_saved_.resize(saved);
  auto const places = split(sweep.rows, std::span<T>(sweep_saved_).first(saved));
  auto const y = loss_ ? places.logits : output;
  NoPulse pulse;
  chain_.evaluate(sweep.rows, weights, chain_input({-1, sweep.first_row, sweep.rows}, input), y,
                  places.chain, pulse);
  if (!loss_) return;
  auto const sum = loss_->sums(sweep.first_row, sweep.rows, y);
  scores[0].value += sum.value / static_cast<double>(rows_);
  scores[0].correct += sum.correct;
}

template <class T>
void SequentialBlock<T>::sweep_backward(Sweep /*sweep*/, std::span<T const> /*weights*/,
                                        std::span<T const> /*output_gradient*/,
                                        std::span<T> /*input_gradient*/,
                                        std::span<nn::Score> /*scores*/) {
  failure("this model is evaluated forward only");
}

template class SequentialBlock<float>;
template class SequentialBlock<double>;

}  // namespace quartic::nn
