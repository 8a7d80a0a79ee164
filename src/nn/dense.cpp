#include "quartic/nn/dense.hpp"

#include <algorithm>
#include <cmath>

#include "quartic/compute/gemm.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/nn/start_weights.hpp"

namespace quartic::nn {

template <class T>
std::vector<Parameter> Dense<T>::parameters() const {
  std::vector<Parameter> all{{"weight", {outputs_, inputs_}, 0}};
  if (form_.bias) all.push_back({"bias", {outputs_}, inputs_ * outputs_});
  return all;
}

template <class T>
void Dense<T>::initialise(std::span<T> weights, std::uint64_t seed,
                          std::uint32_t first_parameter) const {
  auto const weight = weights.first(bias_begin());
  auto const bias = weights.subspan(bias_begin());
  if (form_.deviation > 0) {
    draw_normal(form_.deviation, seed, first_parameter, weight);
    return std::fill(bias.begin(), bias.end(), T(0));
  }
  double const bound = 1 / std::sqrt(static_cast<double>(inputs_));
  draw_uniform(bound, seed, first_parameter, weight);
  draw_uniform(bound, seed, first_parameter + 1, bias);
}

template <class T>
Sizes Dense<T>::sizes(std::int64_t rows) const {
  std::int64_t const places = rows * form_.places;
  return {places * inputs_, places * outputs_, 0, 0};
}

template <class T>
void Dense<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T> y, std::span<T> /*saved*/, Pulse& /*pulse*/) {
  compute::ConstMatrix<T> const w(weights.data(), outputs_, inputs_);
  std::int64_t const places = rows * form_.places;
  compute::Matrix<T> const out(y.data(), places, outputs_);
  if (form_.bias) compute::fill_rows<T>(weights.subspan(bias_begin()), out);
  T const beta = form_.bias ? 1 : 0;
  compute::gemm<T>(1, {x.data(), places, inputs_}, transposed(w), beta, out);
}

template <class T>
void Dense<T>::backward_input(std::int64_t rows, std::span<T const> weights,
                              std::span<T const> /*x*/, std::span<T const> /*saved*/,
                              std::span<T const> dy, std::span<T> dx, std::span<T> /*flow*/,
                              Pulse& /*pulse*/) {
  if (dx.empty()) return;
  std::int64_t const places = rows * form_.places;
  compute::gemm<T>(1, {dy.data(), places, outputs_}, {weights.data(), outputs_, inputs_}, 0,
                   {dx.data(), places, inputs_});
}

template <class T>
void Dense<T>::backward_weight(std::int64_t rows, std::span<T const> /*weights*/,
                               std::span<T const> x, std::span<T const> /*saved*/,
                               std::span<T const> dy, std::span<T const> /*flow*/, std::span<T> dw,
                               Pulse& /*pulse*/) {
  std::int64_t const places = rows * form_.places;
  compute::ConstMatrix<T> const out(dy.data(), places, outputs_);
  compute::gemm<T>(1, transposed(out), {x.data(), places, inputs_}, 1,
                   {dw.data(), outputs_, inputs_});
  if (form_.bias) compute::add_column_sums<T>(out, dw.subspan(bias_begin()));
}

template <class T>
double Dense<T>::flops(std::int64_t rows) const {
  return 2.0 * static_cast<double>(rows * form_.places * inputs_ * outputs_);
}

template class Dense<float>;
template class Dense<double>;

}  // namespace quartic::nn
