#include "quartic/nn/dense.hpp"

#include <cmath>

#include "quartic/compute/gemm.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/nn/start_weights.hpp"

namespace quartic::nn {

template <class T>
std::vector<Parameter> Dense<T>::parameters() const {
  return {{"weight", {outputs_, inputs_}, 0}, {"bias", {outputs_}, inputs_ * outputs_}};
}

template <class T>
void Dense<T>::initialise(std::span<T> weights, std::uint64_t seed,
                          std::uint32_t first_parameter) const {
  double const bound = 1 / std::sqrt(static_cast<double>(inputs_));
  draw_uniform(bound, seed, first_parameter, weights.first(bias_begin()));
  draw_uniform(bound, seed, first_parameter + 1, weights.subspan(bias_begin()));
}

template <class T>
Sizes Dense<T>::sizes(std::int64_t rows) const {
  return {rows * inputs_, rows * outputs_, 0, 0};
}

template <class T>
void Dense<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T> y, std::span<T> /*saved*/, Pulse& /*pulse*/) {
  compute::ConstMatrix<T> const w(weights.data(), outputs_, inputs_);
  compute::Matrix<T> const out(y.data(), rows, outputs_);
  compute::gemm<T>(1, {x.data(), rows, inputs_}, transposed(w), 0, out);
  compute::add_bias<T>(weights.subspan(bias_begin()), out);
}

template <class T>
void Dense<T>::backward_input(std::int64_t rows, std::span<T const> weights,
                              std::span<T const> /*x*/, std::span<T const> /*saved*/,
                              std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                              Pulse& /*pulse*/) {
  if (dx.empty()) return;
  compute::gemm<T>(1, {dy.data(), rows, outputs_}, {weights.data(), outputs_, inputs_}, 0,
                   {dx.data(), rows, inputs_});
}

template <class T>
void Dense<T>::backward_weight(std::int64_t rows, std::span<T const> /*weights*/,
                               std::span<T const> x, std::span<T const> /*saved*/,
                               std::span<T const> dy, std::span<T const> /*flow*/, std::span<T> dw,
                               Pulse& /*pulse*/) {
  compute::ConstMatrix<T> const out(dy.data(), rows, outputs_);
  compute::gemm<T>(1, transposed(out), {x.data(), rows, inputs_}, 1,
                   {dw.data(), outputs_, inputs_});
  compute::add_column_sums<T>(out, dw.subspan(bias_begin()));
}

template <class T>
double Dense<T>::flops(std::int64_t rows) const {
  return 2.0 * static_cast<double>(rows * inputs_ * outputs_);
}

template class Dense<float>;
template class Dense<double>;

}  // namespace quartic::nn
