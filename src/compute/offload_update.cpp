// The optimizers' fused passes on the device. Each element is read before it is written, so `to`
// may be `from`.
#include <cmath>

#include "elementary.hpp"
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {

template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient) {
  if (!on_device()) return host::sgd_update(step, from, to, gradient);
  Kernel const kernel(from, to, gradient);
  auto const rate = static_cast<T>(step.learning_rate);
  auto const decay = static_cast<T>(step.weight_decay);
  return sum_over<double>(std::ssize(from), [=, from = from.data(), to = to.data(),
                                             gradient = gradient.data()](std::int64_t i) {
    T const g = gradient[i];
    T const w = from[i] - rate * (g + decay * from[i]);
    to[i] = w;
    gradient[i] = 0;
    return double{g} * double{g} + double{nothing(w)};
  });
}

template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity) {
  if (!on_device()) return host::momentum_update(step, from, to, gradient, velocity);
  Kernel const kernel(from, to, gradient, velocity);
  auto const rate = static_cast<T>(step.learning_rate);
  auto const decay = static_cast<T>(step.weight_decay);
  auto const momentum = static_cast<T>(step.momentum);
  auto const of_gradient = static_cast<T>(step.nesterov ? 1 : 0);
  auto const of_velocity = static_cast<T>(step.nesterov ? step.momentum : 1);
  return sum_over<double>(std::ssize(from),
                          [=, from = from.data(), to = to.data(), gradient = gradient.data(),
                           velocity = velocity.data()](std::int64_t i) {
                            T const g = gradient[i];
                            T const decayed = g + decay * from[i];
                            T const v = momentum * velocity[i] + decayed;
                            T const w = from[i] - rate * (of_gradient * decayed + of_velocity * v);
                            to[i] = w;
                            velocity[i] = v;
                            gradient[i] = 0;
                            return double{g} * double{g} + double{nothing(w)};
                          });
}

template <class T>
double adam_update(AdamStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient,
                   std::span<T> m, std::span<T> v) {
  if (!on_device()) return host::adam_update(step, from, to, gradient, m, v);
  Kernel const kernel(from, to, gradient, m, v);
  auto const keep = static_cast<T>(step.keep);
  auto const beta1 = static_cast<T>(step.beta1);
  auto const beta2 = static_cast<T>(step.beta2);
  auto const rest1 = static_cast<T>(1 - step.beta1);
  auto const rest2 = static_cast<T>(1 - step.beta2);
  auto const epsilon = static_cast<T>(step.epsilon);
  auto const of_gradient = static_cast<T>(step.of_gradient);
  auto const of_moment = static_cast<T>(step.of_moment);
  auto const correction = static_cast<T>(step.correction);
  return sum_over<double>(
      std::ssize(from), [=, from = from.data(), to = to.data(), gradient = gradient.data(),
                         m = m.data(), v = v.data()](std::int64_t i) {
        T const g = gradient[i];
        T const moment = beta1 * m[i] + rest1 * g;
        T const square = beta2 * v[i] + rest2 * g * g;
        T const change = of_gradient * g + of_moment * moment;
        T const w = keep * from[i] - change / (std::sqrt(correction * square) + epsilon);
        to[i] = w;
        m[i] = moment;
        v[i] = square;
        gradient[i] = 0;
        return double{g} * double{g} + double{nothing(w) + nothing(square)};
      });
}

template <class T>
void adam_direction(AdamStep step, std::span<T const> from, std::span<T const> m,
                    std::span<T const> v, std::span<T> to) {
  if (!on_device()) return host::adam_direction(step, from, m, v, to);
  Kernel const kernel(from, m, v, to);
  auto const decay = static_cast<T>(1 - step.keep);
  auto const epsilon = static_cast<T>(step.epsilon);
  auto const of_moment = static_cast<T>(step.of_moment);
  auto const correction = static_cast<T>(step.correction);
  for_each(std::ssize(to),
           [=, from = from.data(), m = m.data(), v = v.data(), to = to.data()](std::int64_t i) {
             to[i] = decay * from[i] + of_moment * m[i] / (std::sqrt(correction * v[i]) + epsilon);
           });
}

#define QUARTIC_INSTANTIATE(T)                                                                  \
  template double sgd_update(SgdStep, std::span<T const>, std::span<T>, std::span<T>);          \
  template double momentum_update(MomentumStep, std::span<T const>, std::span<T>, std::span<T>, \
                                  std::span<T>);                                                \
  template double adam_update(AdamStep, std::span<T const>, std::span<T>, std::span<T>,         \
                              std::span<T>, std::span<T>);                                      \
  template void adam_direction(AdamStep, std::span<T const>, std::span<T const>,                \
                               std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
