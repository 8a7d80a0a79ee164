#include "quartic/nn/sequential_block.hpp"

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
      data_(std::move(parts.data)),
      loss_(std::move(parts.loss)),
      order_(std::move(parts.order)),
      sweeps_(parts.sweeps),
      accumulate_(parts.accumulate),
      recompute_(parts.recompute) {}

template <class T>
void SequentialBlock<T>::initialise(std::span<T> weights, std::uint64_t seed) const {
  chain_.initialise(weights, seed, first_parameter_);
}

template <class T>
Sizes SequentialBlock<T>::sizes(std::int64_t rows) const {
  Sizes sizes = chain_.sizes(rows);
  auto const kept = static_cast<std::int64_t>(held(rows));
  sizes.saved = static_cast<std::int64_t>(gathered(rows)) + (recompute_ ? 0 : kept);
  sizes.flow += recompute_ ? kept : 0;
  if (data_) sizes.input = 0;
  if (loss_) sizes.output = 0;
  return sizes;
}

/// Elements of `saved` that hold the rows read.
template <class T>
std::size_t SequentialBlock<T>::gathered(std::int64_t rows) const {
  return gathers() ? static_cast<std::size_t>(data_->elements(rows)) : 0;
}

template <class T>
std::size_t SequentialBlock<T>::held(std::int64_t rows) const {
  Sizes const sizes = chain_.sizes(rows);
  return static_cast<std::size_t>(sizes.saved + (loss_ ? sizes.output : 0));
}

template <class T>
template <class U>
typename SequentialBlock<T>::template Held<U> SequentialBlock<T>::split(std::int64_t rows,
                                                                        std::span<U> held) const {
  auto const chain = static_cast<std::size_t>(chain_.sizes(rows).saved);
  return {held.first(chain), held.subspan(chain)};
}

template <class T>
std::span<T const> SequentialBlock<T>::chain_input(Batch batch, std::span<T const> input,
                                                   std::span<T const> gathered) {
  if (!data_) return input;
  return gathers() ? gathered : data_->rows(batch.first_row, batch.rows);
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
  auto const rows = saved.first(gathered(batch.rows));
  auto const kept =
      split(batch.rows, recompute_ ? scratch(held(batch.rows)) : saved.subspan(rows.size()));
  auto const y = loss_ ? kept.logits : output;
  if (gathers()) data_->gather(batch, rows);
  chain_.forward(batch.rows, weights, chain_input(batch, input, rows), y, kept.chain, pulse);
  return loss_ ? mean_loss(batch, y) : 0;
}

template <class T>
void SequentialBlock<T>::forward_again(Batch batch, std::span<T const> weights,
                                       std::span<T const> input, std::span<T> held, Pulse& pulse) {
  auto const kept = split(batch.rows, held);
  auto const y =
      loss_ ? kept.logits : scratch(static_cast<std::size_t>(chain_.sizes(batch.rows).output));
  chain_.forward(batch.rows, weights, input, y, kept.chain, pulse);
  if (loss_) mean_loss(batch, y);
}

template <class T>
template <class U>
typename SequentialBlock<T>::template Backward<U> SequentialBlock<T>::backward_of(
    Batch batch, std::span<T const> input, std::span<T const> saved, std::span<U> flow) {
  auto const rows = saved.first(gathered(batch.rows));
  std::size_t const again = recompute_ ? held(batch.rows) : 0;
  std::span<T const> const kept = recompute_ ? flow.first(again) : saved.subspan(rows.size());
  return {chain_input(batch, input, rows), split(batch.rows, kept), flow.subspan(again)};
}

template <class T>
void SequentialBlock<T>::backward_input(Batch batch, std::span<T const> weights,
                                        std::span<T const> input, std::span<T const> saved,
                                        std::span<T const> output_gradient,
                                        std::span<T> input_gradient, std::span<T> flow,
                                        Pulse& pulse) {
  auto const pass = backward_of(batch, input, saved, flow);
  if (recompute_) forward_again(batch, weights, pass.input, flow.first(held(batch.rows)), pulse);
  chain_.backward_input(batch.rows, weights, pass.input, pass.held.chain,
                        loss_ ? pass.held.logits : output_gradient, input_gradient, pass.flow,
                        pulse);
}

template <class T>
void SequentialBlock<T>::backward_weight(Batch batch, std::span<T const> weights,
                                         std::span<T const> input, std::span<T const> saved,
                                         std::span<T const> output_gradient,
                                         std::span<T const> flow, std::span<T> gradient,
                                         Pulse& pulse) {
  auto const pass = backward_of(batch, input, saved, flow);
  chain_.backward_weight(batch.rows, weights, pass.input, pass.held.chain,
                         loss_ ? pass.held.logits : output_gradient, pass.flow, gradient, pulse);
}

template <class T>
void SequentialBlock<T>::backward(Batch batch, std::span<T const> weights, std::span<T const> input,
                                  std::span<T const> saved, std::span<T const> output_gradient,
                                  std::span<T> flow, std::span<T> gradient, Pulse& pulse) {
  auto const pass = backward_of(batch, input, saved, flow);
  if (recompute_) forward_again(batch, weights, pass.input, flow.first(held(batch.rows)), pulse);
  chain_.backward(batch.rows, weights, pass.input, pass.held.chain,
                  loss_ ? pass.held.logits : output_gradient, {}, pass.flow, gradient, pulse);
}

template <class T>
void SequentialBlock<T>::sweep_forward(Sweep sweep, std::span<T const> weights,
                                       std::span<T const> input, std::span<T> output,
                                       std::span<nn::Score> scores) {
  QUARTIC_ASSERT(sweep.versions == 1 && scores.size() == 1);
  auto const places = split(sweep.rows, scratch(held(sweep.rows)));
  auto const y = loss_ ? places.logits : output;
  NoPulse pulse;
  auto const x = data_ ? data_->rows(sweep.first_row, sweep.rows) : input;
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
