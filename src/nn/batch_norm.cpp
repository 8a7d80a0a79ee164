#include "quartic/nn/batch_norm.hpp"

#include <algorithm>

#include "quartic/compute/vector.hpp"

namespace quartic::nn {
namespace {

constexpr double epsilon = 1e-5;

// Parts of the weights and of their gradient.
constexpr std::int64_t weight = 0;
constexpr std::int64_t bias = 1;
constexpr std::int64_t running_mean = 2;
constexpr std::int64_t running_variance = 3;

// Parts of `saved`.
constexpr std::int64_t mean = 0;
constexpr std::int64_t variance = 1;

// What turns a biased variance into an unbiased one. One element says nothing of the variance.
double unbiased(std::int64_t count) {
  if (count == 1) return 1;
  return static_cast<double>(count) / static_cast<double>(count - 1);
}

}  // namespace

template <class T>
std::vector<Parameter> BatchNorm<T>::parameters() const {
  return {{"weight", {channels_}, 0},
          {"bias", {channels_}, bias * channels_},
          {"running_mean", {channels_}, running_mean * channels_, Role::statistic},
          {"running_var", {channels_}, running_variance * channels_, Role::statistic}};
}

template <class T>
void BatchNorm<T>::initialise(std::span<T> weights, std::uint64_t /*seed*/,
                              std::uint32_t /*first_parameter*/) const {
  std::ranges::fill(part(weights, weight), T(1));
  std::ranges::fill(part(weights, bias), T(0));
  std::ranges::fill(part(weights, running_mean), T(0));
  std::ranges::fill(part(weights, running_variance), T(1));
}

template <class T>
Sizes BatchNorm<T>::sizes(std::int64_t rows) const {
  std::int64_t const elements = rows * channels_ * pixels_;
  return {elements, elements, 2 * channels_, 2 * channels_};
}

template <class T>
void BatchNorm<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                           std::span<T> y, std::span<T> saved, Pulse& /*pulse*/) {
  compute::batch_statistics<T>(shape(rows), x, part(saved, mean), part(saved, variance));
  compute::normalise<T>(shape(rows), epsilon, part(weights, weight), part(weights, bias),
                        part(saved, mean), part(saved, variance), x, y);
}

template <class T>
void BatchNorm<T>::evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                            std::span<T> y, std::span<T> /*saved*/, Pulse& /*pulse*/) {
  compute::normalise<T>(shape(rows), epsilon, part(weights, weight), part(weights, bias),
                        part(weights, running_mean), part(weights, running_variance), x, y);
}

template <class T>
void BatchNorm<T>::backward_input(std::int64_t rows, std::span<T const> weights,
                                  std::span<T const> x, std::span<T const> saved,
                                  std::span<T const> dy, std::span<T> dx, std::span<T> flow,
                                  Pulse& /*pulse*/) {
  compute::normalise_sums<T>(shape(rows), epsilon, part(saved, mean), part(saved, variance), x, dy,
                             part(flow, weight), part(flow, bias));
  if (dx.empty()) return;
  compute::normalise_backward<T>(shape(rows), epsilon, part(weights, weight), part(saved, mean),
                                 part(saved, variance), part(flow, weight), part(flow, bias), x, dy,
                                 dx);
}

template <class T>
void BatchNorm<T>::backward_weight(std::int64_t rows, std::span<T const> /*weights*/,
                                   std::span<T const> /*x*/, std::span<T const> saved,
                                   std::span<T const> /*dy*/, std::span<T const> flow,
                                   std::span<T> dw, Pulse& /*pulse*/) {
  auto const trained = static_cast<std::size_t>(running_mean * channels_);
  compute::add_scaled<T>(1, flow, dw.first(trained));
  double const share = 1 / static_cast<double>(accumulate_);
  compute::add_scaled<T>(static_cast<T>(share), part(saved, mean), part(dw, running_mean));
  compute::add_scaled<T>(static_cast<T>(share * unbiased(shape(rows).count())),
                         part(saved, variance), part(dw, running_variance));
}

template <class T>
double BatchNorm<T>::flops(std::int64_t rows) const {
  constexpr double an_element = 7;  // sum, two for the squares, two for each of scale and shift
  return an_element * static_cast<double>(rows * channels_ * pixels_);
}

template class BatchNorm<float>;
template class BatchNorm<double>;

}  // namespace quartic::nn
