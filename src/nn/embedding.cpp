#include "quartic/nn/embedding.hpp"

#include "quartic/compute/embedding.hpp"
#include "quartic/core/check.hpp"
#include "quartic/nn/start_weights.hpp"

namespace quartic::nn {

template <class T>
std::vector<Parameter> Embedding<T>::parameters() const {
  return {{"wte.weight", {vocabulary_, width_}, 0},
          {"wpe.weight", {sequence_, width_}, vocabulary_ * width_}};
}

template <class T>
void Embedding<T>::initialise(std::span<T> weights, std::uint64_t seed,
                              std::uint32_t first_parameter) const {
  constexpr double deviation = 0.02;
  draw_normal(deviation, seed, first_parameter, weights.first(positions_begin()));
  draw_normal(deviation, seed, first_parameter + 1, weights.subspan(positions_begin()));
}

template <class T>
Sizes Embedding<T>::sizes(std::int64_t rows) const {
  return {rows * sequence_, rows * sequence_ * width_, 0, 0};
}

template <class T>
void Embedding<T>::forward(std::int64_t /*rows*/, std::span<T const> weights, std::span<T const> x,
                           std::span<T> y, std::span<T> /*saved*/, Pulse& /*pulse*/) {
  compute::embedding_forward<T>(sequence_, width_, x, weights.first(positions_begin()),
                                weights.subspan(positions_begin()), y);
}

template <class T>
void Embedding<T>::backward_input(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                  std::span<T const> /*x*/, std::span<T const> /*saved*/,
                                  std::span<T const> /*dy*/, std::span<T> dx, std::span<T> /*flow*/,
                                  Pulse& /*pulse*/) {
  QUARTIC_ASSERT(dx.empty());
}

template <class T>
void Embedding<T>::backward_weight(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                                   std::span<T const> x, std::span<T const> /*saved*/,
                                   std::span<T const> dy, std::span<T const> /*flow*/,
                                   std::span<T> dw, Pulse& /*pulse*/) {
  compute::embedding_backward<T>(sequence_, width_, x, dy, dw.first(positions_begin()),
                                 dw.subspan(positions_begin()));
}

template <class T>
double Embedding<T>::flops(std::int64_t rows) const {
  return static_cast<double>(rows * sequence_ * width_);
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace quartic::nn
