#pragma once

#include <span>

/// The optimizers' fused passes: read `from`, write `to` (another block, or the same memory), add
/// up the gradient's square and zero the gradient. T is float or double; the sum is taken in
/// double, in a fixed order that depends on the length alone. Each returns ‖g‖², weight decay not
/// included.
namespace quartic::compute {

struct SgdStep {
  double learning_rate = 0;
  double weight_decay = 0;
};

struct MomentumStep {
  double learning_rate = 0;
  double weight_decay = 0;
  double momentum = 0;
};

/// to = from - lr (g + decay from).
template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient);

/// v = μ v + g + decay from; to = from - lr v (PyTorch's SGD, no dampening).
template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity);

}  // namespace quartic::compute
