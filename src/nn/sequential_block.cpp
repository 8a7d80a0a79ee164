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
    : parts_(std::move(parts)), places_(parts_.layers.size()) {
  QUARTIC_ASSERT(!parts_.layers.empty());
  for (auto const& placed : parts_.layers) {
    std::int64_t const count = nn::parameter_count(*placed.layer);
    weights_.push_back(
        {static_cast<std::size_t>(parameter_count_), static_cast<std::size_t>(count)});
    parameter_count_ += count;
  }
}

template <class T>
std::vector<Parameter> SequentialBlock<T>::parameters() const {
  std::vector<Parameter> all;
  for (std::size_t i = 0; i < layer_count(); ++i) {
    for (Parameter parameter : layer(i).parameters()) {
      parameter.name = parts_.layers[i].name + "." + parameter.name;
      parameter.offset += static_cast<std::int64_t>(weights_[i].first);
      all.push_back(std::move(parameter));
    }
  }
  return all;
}

template <class T>
void SequentialBlock<T>::initialise(std::span<T> weights, std::uint64_t seed) const {
  for (std::size_t i = 0; i < layer_count(); ++i) {
    layer(i).initialise(at(weights, weights_[i]), seed, parts_.layers[i].first_parameter);
  }
}

// Calls visit(layer, its places) for every layer; returns the lengths of the stage's buffers.
template <class T>
template <class Visit>
Sizes SequentialBlock<T>::lay_out(std::int64_t rows, Visit visit) const {
  auto const take = [](std::int64_t& used, std::int64_t size) {
    return Piece{static_cast<std::size_t>(std::exchange(used, used + size)),
                 static_cast<std::size_t>(size)};
  };
  Sizes whole{parts_.features ? 0 : layer(0).sizes(rows).input, 0, 0, 0};
  for (std::size_t i = 0; i < layer_count(); ++i) {
    Sizes const own = layer(i).sizes(rows);
    Places places;
    places.output = take(sends(i) ? whole.output : whole.saved, own.output);
    places.saved = take(whole.saved, own.saved);
    places.input_gradient = take(whole.flow, i == 0 ? 0 : own.input);
    places.flow = take(whole.flow, own.flow);
    visit(i, places);
  }
  return whole;
}

template <class T>
Sizes SequentialBlock<T>::sizes(std::int64_t rows) const {
  return lay_out(rows, [](std::size_t, Places const&) {});
}

template <class T>
void SequentialBlock<T>::lay_out_for(std::int64_t rows) {
  if (rows == laid_out_rows_) return;
  lay_out(rows, [this](std::size_t i, Places const& places) { places_[i] = places; });
  laid_out_rows_ = rows;
}

template <class T>
std::span<T const> SequentialBlock<T>::stage_input(Batch batch, std::span<T const> input) const {
  if (!parts_.features) return input;
  auto const& x = *parts_.features;
  return std::span<T const>(x.values).subspan(static_cast<std::size_t>(batch.first_row * x.columns),
                                              static_cast<std::size_t>(batch.rows * x.columns));
}

template <class T>
std::span<T const> SequentialBlock<T>::layer_input(std::size_t index, Backward const& pass) const {
  if (index == 0) return stage_input(pass.batch, pass.input);
  return at(pass.saved, places_[index - 1].output);
}

template <class T>
std::span<T const> SequentialBlock<T>::layer_output_gradient(std::size_t index,
                                                             Backward const& pass) const {
  if (index + 1 < layer_count()) return at(pass.flow, places_[index + 1].input_gradient);
  return sends(index) ? pass.output_gradient : at(pass.saved, places_[index].output);
}

// Returns the last layer's output: the message, or the logits inside `saved`.
template <class T>
std::span<T> SequentialBlock<T>::forward_layers(Batch batch, std::span<T const> weights,
                                                std::span<T const> input, std::span<T> output,
                                                std::span<T> saved, Pulse& pulse) {
  lay_out_for(batch.rows);
  std::span<T const> x = stage_input(batch, input);
  std::span<T> y;
  for (std::size_t i = 0; i < layer_count(); ++i) {
    y = at(sends(i) ? output : saved, places_[i].output);
    layer(i).forward(batch.rows, at(weights, weights_[i]), x, y, at(saved, places_[i].saved));
    x = y;
    pulse.beat();
  }
  return y;
}

template <class T>
double SequentialBlock<T>::forward(Batch batch, std::span<T const> weights,
                                   std::span<T const> input, std::span<T> output,
                                   std::span<T> saved, Pulse& pulse) {
  auto const y = forward_layers(batch, weights, input, output, saved, pulse);
  if (!parts_.loss) return 0;
  auto const rows = static_cast<double>(batch.rows);
  auto const scale = static_cast<T>(1 / (rows * static_cast<double>(parts_.accumulate)));
  return (*parts_.loss)(batch.first_row, batch.rows, scale, y).value / rows;
}

template <class T>
void SequentialBlock<T>::backward_input(Batch batch, std::span<T const> weights,
                                        std::span<T const> input, std::span<T const> saved,
                                        std::span<T const> output_gradient,
                                        std::span<T> input_gradient, std::span<T> flow,
                                        Pulse& pulse) {
  lay_out_for(batch.rows);
  Backward const pass{batch, weights, input, saved, output_gradient, flow};
  for (std::size_t i = layer_count(); i-- > 0;) {
    auto const dx = i == 0 ? input_gradient : at(flow, places_[i].input_gradient);
    layer(i).backward_input(batch.rows, at(weights, weights_[i]), layer_input(i, pass),
                            at(saved, places_[i].saved), layer_output_gradient(i, pass), dx,
                            at(flow, places_[i].flow));
    pulse.beat();
  }
}

template <class T>
void SequentialBlock<T>::backward_weight(Batch batch, std::span<T const> weights,
                                         std::span<T const> input, std::span<T const> saved,
                                         std::span<T const> output_gradient,
                                         std::span<T const> flow, std::span<T> gradient,
                                         Pulse& pulse) {
  lay_out_for(batch.rows);
  Backward const pass{batch, weights, input, saved, output_gradient, flow};
  for (std::size_t i = layer_count(); i-- > 0;) {
    layer(i).backward_weight(batch.rows, at(weights, weights_[i]), layer_input(i, pass),
                             at(saved, places_[i].saved), layer_output_gradient(i, pass),
                             at(flow, places_[i].flow), at(gradient, weights_[i]));
    pulse.beat();
  }
}

template <class T>
SweepPlan SequentialBlock<T>::sweep_plan() const {
  return {parts_.rows, std::min<std::int64_t>(parts_.rows, 512), 1, false};
}

template <class T>
void SequentialBlock<T>::sweep_forward(Sweep sweep, std::span<T const> weights,
                                       std::span<T const> input, std::span<T> output,
                                       std::span<Score> scores) {
  QUARTIC_ASSERT(sweep.versions == 1 && scores.size() == 1);
  auto const saved = static_cast<std::size_t>(sizes(sweep.rows).saved);
  if (sweep_saved_.size() < saved) sweep_saved_.resize(saved);
  NoPulse pulse;
  Batch const batch{-1, sweep.first_row, sweep.rows};
  auto const y =
      forward_layers(batch, weights, input, output, std::span<T>(sweep_saved_).first(saved), pulse);
  if (!parts_.loss) return;
  auto const sum = (*parts_.loss)(sweep.first_row, sweep.rows, 0, y);
  scores[0].value += sum.value / static_cast<double>(parts_.rows);
  scores[0].correct += sum.correct;
}

template <class T>
void SequentialBlock<T>::sweep_backward(Sweep /*sweep*/, std::span<T const> /*weights*/,
                                        std::span<T const> /*output_gradient*/,
                                        std::span<T> /*input_gradient*/,
                                        std::span<Score> /*scores*/) {
  failure("this model is evaluated forward only");
}

template class SequentialBlock<float>;
template class SequentialBlock<double>;

}  // namespace quartic::nn
