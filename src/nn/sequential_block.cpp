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
      order_(std::move(parts.order)),
      augmentation_(parts.augmentation),
      sweeps_(parts.sweeps),
      accumulate_(parts.accumulate) {}

template <class T>
void SequentialBlock<T>::initialise(std::span<T> weights, std::uint64_t seed) const {
  chain_.initialise(weights, seed, first_parameter_);
}

template <class T>
Sizes SequentialBlock<T>::sizes(std::int64_t rows) const {
  Sizes sizes = chain_.sizes(rows);
  if (features_) sizes.input = 0;
  if (loss_) sizes.saved += std::exchange(sizes.output, 0);
  sizes.saved += gathered(rows);
  return sizes;
}

/// Elements of `saved` that hold the rows read.
template <class T>
std::int64_t SequentialBlock<T>::gathered(std::int64_t rows) const {
  return gathers() ? rows * features_->columns : 0;
}

template <class T>
template <class U>
typename SequentialBlock<T>::template Saved<U> SequentialBlock<T>::split(std::int64_t rows,
                                                                         std::span<U> saved) const {
  auto const chain = static_cast<std::size_t>(chain_.sizes(rows).saved);
  auto const data = static_cast<std::size_t>(gathered(rows));
  return {saved.first(chain), saved.subspan(chain, data), saved.subspan(chain + data)};
}

/// Rows that lie one after the other in the data.
template <class T>
std::span<T const> SequentialBlock<T>::features(std::int64_t first_row, std::int64_t rows) const {
  auto const columns = features_->columns;
  return std::span<T const>(features_->values)
      .subspan(static_cast<std::size_t>(first_row * columns),
               static_cast<std::size_t>(rows * columns));
}

template <class T>
void SequentialBlock<T>::gather(Batch batch, std::span<T> rows) {
  auto const length = static_cast<std::size_t>(features_->columns);
  for (std::int64_t i = 0; i < batch.rows; ++i) {
    std::int64_t const place = batch.first_row + i;
    std::int64_t const row = order_ ? order_->rows(batch.epoch, place, 1)[0] : place;
    auto const from = features(row, 1);
    auto const to = rows.subspan(static_cast<std::size_t>(i) * length, length);
    if (augmentation_) {
      augmentation_->copy(batch.epoch, row, from, to);
    } else {
      std::copy(from.begin(), from.end(), to.begin());
    }
  }
}

template <class T>
std::span<T const> SequentialBlock<T>::chain_input(Batch batch, std::span<T const> input,
                                                   std::span<T const> gathered) const {
  if (!features_) return input;
  return gathers() ? gathered : features(batch.first_row, batch.rows);
}

template <class T>
double SequentialBlock<T>::mean_loss(Batch batch, std::span<T> logits) {
  if (!order_) return loss_->mean(batch.first_row, batch.rows, accumulate_, logits);
  return loss_->mean(order_->rows(batch.epoch, batch.first_row, batch.rows), accumulate_, logits);
}

template <class T>
double SequentialBlock<T>::forward(Batch batch, std::span<T const> weights,
                                   std::span<T const> input, std::span<T> output,
                                   std::span<T> saved, Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  auto const y = loss_ ? places.logits : output;
  if (gathers()) gather(batch, places.gathered);
  chain_.forward(batch.rows, weights, chain_input(batch, input, places.gathered), y, places.chain,
                 pulse);
  return loss_ ? mean_loss(batch, y) : 0;
}

template <class T>
void SequentialBlock<T>::backward_input(Batch batch, std::span<T const> weights,
                                        std::span<T const> input, std::span<T const> saved,
                                        std::span<T const> output_gradient,
                                        std::span<T> input_gradient, std::span<T> flow,
                                        Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  chain_.backward_input(batch.rows, weights, chain_input(batch, input, places.gathered),
                        places.chain, loss_ ? places.logits : output_gradient, input_gradient, flow,
                        pulse);
}

template <class T>
void SequentialBlock<T>::backward_weight(Batch batch, std::span<T const> weights,
                                         std::span<T const> input, std::span<T const> saved,
                                         std::span<T const> output_gradient,
                                         std::span<T const> flow, std::span<T> gradient,
                                         Pulse& pulse) {
  auto const places = split(batch.rows, saved);
  chain_.backward_weight(batch.rows, weights, chain_input(batch, input, places.gathered),
                         places.chain, loss_ ? places.logits : output_gradient, flow, gradient,
                         pulse);
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
  auto const x = features_ ? features(sweep.first_row, sweep.rows) : input;
  chain_.evaluate(sweep.rows, weights, x, y, places.chain, pulse);
  if (!loss_) return;
  auto const sum = loss_->sums(sweep.first_row, sweep.rows, y);
  auto const rows = sweep.held_out ? sweeps_.held_out_rows : sweeps_.rows;
  scores[0].value += sum.value / static_cast<double>(rows);
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
