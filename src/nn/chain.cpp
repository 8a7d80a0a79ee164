#include "quartic/nn/chain.hpp"

#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::nn {

template <class T>
Chain<T>::Chain(std::vector<NamedLayer<T>> layers)
    : layers_(std::move(layers)), places_(layers_.size()) {
  QUARTIC_ASSERT(!layers_.empty());
  std::size_t first = 0;
  for (auto const& [name, layer] : layers_) {
    auto const count = static_cast<std::size_t>(parameter_count(*layer));
    weights_.push_back({std::exchange(first, first + count), count});
  }
}

template <class T>
std::vector<Parameter> Chain<T>::parameters() const {
  std::vector<Parameter> all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    for (Parameter parameter : layer(i).parameters()) {
      if (!layers_[i].name.empty()) parameter.name = layers_[i].name + "." + parameter.name;
      parameter.offset += static_cast<std::int64_t>(weights_[i].first);
      all.push_back(std::move(parameter));
    }
  }
  return all;
}

template <class T>
void Chain<T>::initialise(std::span<T> weights, std::uint64_t seed,
                          std::uint32_t first_parameter) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layer(i).initialise(at(weights, weights_[i]), seed, first_parameter);
    first_parameter += static_cast<std::uint32_t>(layer(i).parameters().size());
  }
}

// Calls visit(layer, its places) for every layer; returns the lengths of the chain's buffers.
template <class T>
template <class Visit>
Sizes Chain<T>::lay_out(std::int64_t rows, Visit visit) const {
  auto const take = [](std::int64_t& used, std::int64_t size) {
    return Piece{static_cast<std::size_t>(std::exchange(used, used + size)),
                 static_cast<std::size_t>(size)};
  };
  Sizes whole{layer(0).sizes(rows).input, 0, 0, 0};
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Sizes const own = layer(i).sizes(rows);
    Places places;
    places.output = take(is_last(i) ? whole.output : whole.saved, own.output);
    places.saved = take(whole.saved, own.saved);
    places.input_gradient = take(whole.flow, i == 0 ? 0 : own.input);
    places.flow = take(whole.flow, own.flow);
    visit(i, places);
  }
  return whole;
}

template <class T>
Sizes Chain<T>::sizes(std::int64_t rows) const {
  return lay_out(rows, [](std::size_t, Places const&) {});
}

template <class T>
void Chain<T>::lay_out_for(std::int64_t rows) {
  if (rows == laid_out_rows_) return;
  lay_out(rows, [this](std::size_t i, Places const& places) { places_[i] = places; });
  laid_out_rows_ = rows;
}

template <class T>
std::span<T const> Chain<T>::input_of(std::size_t index, std::span<T const> x,
                                      std::span<T const> saved) const {
  return index == 0 ? x : at(saved, places_[index - 1].output);
}

// Calls step(layer, its input, output and saved) for every layer from the first.
template <class T>
template <class Step>
void Chain<T>::walk(std::int64_t rows, std::span<T const> x, std::span<T> y, std::span<T> saved,
                    Pulse& pulse, Step step) {
  lay_out_for(rows);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    step(i, input_of(i, x, saved), is_last(i) ? y : at(saved, places_[i].output),
         at(saved, places_[i].saved));
    pulse.beat();
  }
}

template <class T>
void Chain<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T> y, std::span<T> saved, Pulse& pulse) {
  walk(rows, x, y, saved, pulse,
       [&](std::size_t i, std::span<T const> in, std::span<T> out, std::span<T> own) {
         layer(i).forward(rows, at(weights, weights_[i]), in, out, own, pulse);
       });
}

template <class T>
void Chain<T>::evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                        std::span<T> y, std::span<T> saved, Pulse& pulse) {
  walk(rows, x, y, saved, pulse,
       [&](std::size_t i, std::span<T const> in, std::span<T> out, std::span<T> own) {
         layer(i).evaluate(rows, at(weights, weights_[i]), in, out, own, pulse);
       });
}

template <class T>
void Chain<T>::backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                              std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                              std::span<T> flow, Pulse& pulse) {
  lay_out_for(rows);
  std::span<T const> gradient = dy;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    auto const down = i == 0 ? dx : at(flow, places_[i].input_gradient);
    layer(i).backward_input(rows, at(weights, weights_[i]), input_of(i, x, saved),
                            at(saved, places_[i].saved), gradient, down, at(flow, places_[i].flow),
                            pulse);
    gradient = down;
    pulse.beat();
  }
}

template <class T>
void Chain<T>::backward_weight(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                               std::span<T const> saved, std::span<T const> dy,
                               std::span<T const> flow, std::span<T> dw, Pulse& pulse) {
  lay_out_for(rows);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    auto const gradient = is_last(i) ? dy : at(flow, places_[i + 1].input_gradient);
    layer(i).backward_weight(rows, at(weights, weights_[i]), input_of(i, x, saved),
                             at(saved, places_[i].saved), gradient, at(flow, places_[i].flow),
                             at(dw, weights_[i]), pulse);
    pulse.beat();
  }
}

template <class T>
void Chain<T>::backward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                        std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                        std::span<T> flow, std::span<T> dw, Pulse& pulse) {
  lay_out_for(rows);
  std::span<T const> gradient = dy;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    auto const down = i == 0 ? dx : at(flow, places_[i].input_gradient);
    layer(i).backward(rows, at(weights, weights_[i]), input_of(i, x, saved),
                      at(saved, places_[i].saved), gradient, down, at(flow, places_[i].flow),
                      at(dw, weights_[i]), pulse);
    gradient = down;
    pulse.beat();
  }
}

template <class T>
double Chain<T>::flops(std::int64_t rows) const {
  double sum = 0;
  for (auto const& named : layers_) sum += named.layer->flops(rows);
  return sum;
}

template class Chain<float>;
template class Chain<double>;

}  // namespace quartic::nn
