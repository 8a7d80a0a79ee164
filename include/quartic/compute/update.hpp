#pragma once

#include <span>

/// The optimizers' fused passes: read `from`, write `to` (another block, or the same memory), add
/// up the gradient's square and zero the gradient. T is float or double; the sum is taken in
/// double, in a fixed order that depends on the length alone. Each returns ‖g‖², weight decay not
/// included; NaN where a weight or a moment is not finite any more (a first moment is seen by the
/// weight).
namespace quartic::compute {

struct SgdStep {
  double learning_rate = 0;
  double weight_decay = 0;
};

struct MomentumStep {
  double learning_rate = 0;
  double weight_decay = 0;
  double momentum = 0;
  bool nesterov = false;
};

/// A step of the Adam family with decoupled weight decay. AdamW (Loshchilov and Hutter 2019) takes
/// nothing of the gradient itself and lr / (1 - β1^t) of the moment; NAdam (Dozat 2016) folds
/// Nesterov's momentum schedule μ into the two factors.
struct AdamStep {
  double keep = 1;  ///< 1 - lr decay
  double beta1 = 0;
  double beta2 = 0;
  double epsilon = 0;
  double of_gradient = 0;  ///< NAdam: lr (1 - μ_t) / (1 - Π μ)
  double of_moment = 0;    ///< NAdam: lr μ_{t+1} / (1 - μ_{t+1} Π μ)
  double correction = 1;   ///< 1 / (1 - β2^t)
};

/// to = from - lr (g + decay from).
template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient);

/// v = μ v + g + decay from; to = from - lr v, or with nesterov from - lr (g + decay from + μ v)
/// (PyTorch's SGD, no dampening).
template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity);

/// m = β1 m + (1 - β1) g; v = β2 v + (1 - β2) g²; to = keep from - (of_gradient g + of_moment m) /
/// (sqrt(correction v) + ε).
template <class T>
double adam_update(AdamStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient,
                   std::span<T> m, std::span<T> v);

/// to = (1 - keep) from + of_moment m / (sqrt(correction v) + ε): a step of the Adam family before
/// its gradient is known.
template <class T>
void adam_direction(AdamStep step, std::span<T const> from, std::span<T const> m,
                    std::span<T const> v, std::span<T> to);

}  // namespace quartic::compute
