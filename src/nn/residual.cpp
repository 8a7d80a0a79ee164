#include "quartic/nn/residual.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::nn {

template <class T>
Residual<T>::Residual(std::unique_ptr<Layer<T>> branch, std::unique_ptr<Layer<T>> shortcut)
    : branch_(std::move(branch)),
      shortcut_(std::move(shortcut)),
      branch_weights_(static_cast<std::size_t>(parameter_count(*branch_))) {}

template <class T>
std::vector<Parameter> Residual<T>::parameters() const {
  auto all = branch_->parameters();
  if (shortcut_ == nullptr) return all;
  for (Parameter parameter : shortcut_->parameters()) {
    parameter.offset += static_cast<std::int64_t>(branch_weights_);
    all.push_back(std::move(parameter));
  }
  return all;
}

template <class T>
void Residual<T>::initialise(std::span<T> weights, std::uint64_t seed,
                             std::uint32_t first_parameter) const {
  branch_->initialise(weights.first(branch_weights_), seed, first_parameter);
  if (shortcut_ == nullptr) return;
  first_parameter += static_cast<std::uint32_t>(branch_->parameters().size());
  shortcut_->initialise(weights.subspan(branch_weights_), seed, first_parameter);
}

template <class T>
Sizes Residual<T>::sizes(std::int64_t rows) const {
  Sizes sizes = branch_->sizes(rows);
  if (shortcut_ == nullptr) return sizes;
  Sizes const other = shortcut_->sizes(rows);
  sizes.saved += other.saved + sizes.output;
  sizes.flow += other.flow + sizes.input;
  return sizes;
}

template <class T>
template <class U>
typename Residual<T>::template Parts<U> Residual<T>::split(std::span<U> whole, std::int64_t branch,
                                                           std::int64_t shortcut) const {
  auto const first = static_cast<std::size_t>(branch);
  auto const second = static_cast<std::size_t>(shortcut);
  return {whole.first(first), whole.subspan(first, second), whole.subspan(first + second)};
}

// The sum of the two, by their forward or their evaluate.
template <class T>
void Residual<T>::add_up(Pass pass, std::int64_t rows, std::span<T const> weights,
                         std::span<T const> x, std::span<T> y, std::span<T> saved, Pulse& pulse) {
  auto const own = weights.first(branch_weights_);
  if (shortcut_ == nullptr) {
    (*branch_.*pass)(rows, own, x, y, saved, pulse);
    return compute::add_scaled<T>(1, x, y);
  }
  auto const parts = split(saved, branch_->sizes(rows).saved, shortcut_->sizes(rows).saved);
  auto const others = weights.subspan(branch_weights_);
  (*branch_.*pass)(rows, own, x, y, parts.branch, pulse);
  (*shortcut_.*pass)(rows, others, x, parts.result, parts.shortcut, pulse);
  compute::add_scaled<T>(1, parts.result, y);
}

template <class T>
void Residual<T>::forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                          std::span<T> y, std::span<T> saved, Pulse& pulse) {
  add_up(&Layer<T>::forward, rows, weights, x, y, saved, pulse);
}

template <class T>
void Residual<T>::evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                           std::span<T> y, std::span<T> saved, Pulse& pulse) {
  add_up(&Layer<T>::evaluate, rows, weights, x, y, saved, pulse);
}

template <class T>
void Residual<T>::backward_input(std::int64_t rows, std::span<T const> weights,
                                 std::span<T const> x, std::span<T const> saved,
                                 std::span<T const> dy, std::span<T> dx, std::span<T> flow,
                                 Pulse& pulse) {
  auto const own = weights.first(branch_weights_);
  if (shortcut_ == nullptr) {
    branch_->backward_input(rows, own, x, saved, dy, dx, flow, pulse);
    if (!dx.empty()) compute::add_scaled<T>(1, dy, dx);
    return;
  }
  Sizes const branch = branch_->sizes(rows);
  Sizes const shortcut = shortcut_->sizes(rows);
  auto const kept = split(saved, branch.saved, shortcut.saved);
  auto const given = split(flow, branch.flow, shortcut.flow);
  auto const down = dx.empty() ? dx : given.result;
  branch_->backward_input(rows, own, x, kept.branch, dy, dx, given.branch, pulse);
  shortcut_->backward_input(rows, weights.subspan(branch_weights_), x, kept.shortcut, dy, down,
                            given.shortcut, pulse);
  if (!dx.empty()) compute::add_scaled<T>(1, down, dx);
}

template <class T>
void Residual<T>::backward_weight(std::int64_t rows, std::span<T const> weights,
                                  std::span<T const> x, std::span<T const> saved,
                                  std::span<T const> dy, std::span<T const> flow, std::span<T> dw,
                                  Pulse& pulse) {
  auto const own = weights.first(branch_weights_);
  auto const gradient = dw.first(branch_weights_);
  if (shortcut_ == nullptr) {
    return branch_->backward_weight(rows, own, x, saved, dy, flow, gradient, pulse);
  }
  Sizes const branch = branch_->sizes(rows);
  Sizes const shortcut = shortcut_->sizes(rows);
  auto const kept = split(saved, branch.saved, shortcut.saved);
  auto const given = split(flow, branch.flow, shortcut.flow);
  branch_->backward_weight(rows, own, x, kept.branch, dy, given.branch, gradient, pulse);
  shortcut_->backward_weight(rows, weights.subspan(branch_weights_), x, kept.shortcut, dy,
                             given.shortcut, dw.subspan(branch_weights_), pulse);
}

template <class T>
void Residual<T>::backward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                           std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                           std::span<T> flow, std::span<T> dw, Pulse& pulse) {
  if (shortcut_ != nullptr) {
    return Layer<T>::backward(rows, weights, x, saved, dy, dx, flow, dw, pulse);
  }
  branch_->backward(rows, weights, x, saved, dy, dx, flow, dw, pulse);
  if (!dx.empty()) compute::add_scaled<T>(1, dy, dx);
}

template <class T>
double Residual<T>::flops(std::int64_t rows) const {
  double const added = static_cast<double>(branch_->sizes(rows).output);
  return branch_->flops(rows) + (shortcut_ == nullptr ? 0 : shortcut_->flops(rows)) + added;
}

template class Residual<float>;
template class Residual<double>;

}  // namespace quartic::nn
