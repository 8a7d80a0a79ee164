// The methods' own passes over weights on the host: each element by itself, left to the compiler's
// vector registers.
#include "quartic/compute/bend.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {

template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out) {
  QUARTIC_ASSERT(a.size() == b.size() && a.size() == out.size());
  auto const of_a = static_cast<T>(omega);
  auto const of_b = static_cast<T>(1 - omega);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = of_a * a[i] + of_b * b[i];
}

template <class T>
void correct(Correction correction, std::span<T const> w, std::span<T> last, std::span<T> u,
             std::span<T> out) {
  QUARTIC_ASSERT(w.size() == last.size() && w.size() == u.size() && w.size() == out.size());
  auto const decay = static_cast<T>(correction.decay);
  auto const rest = static_cast<T>(1 - correction.decay);
  auto const distance = static_cast<T>(correction.distance);
  for (std::size_t i = 0; i < out.size(); ++i) {
    u[i] = decay * u[i] + rest * (w[i] - last[i]);
    out[i] = w[i] - distance * u[i];
    last[i] = w[i];
  }
}

template <class T>
void predict(double step, std::span<T const> w, std::span<T const> velocity, std::span<T> out) {
  QUARTIC_ASSERT(w.size() == velocity.size() && w.size() == out.size());
  auto const factor = static_cast<T>(step);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = w[i] - factor * velocity[i];
}

template <class T>
void outer_step(OuterStep step, std::span<T> mean, std::span<T> old, std::span<T> m) {
  QUARTIC_ASSERT(mean.size() == old.size() && mean.size() == m.size());
  auto const rate = static_cast<T>(step.rate);
  auto const momentum = static_cast<T>(step.momentum);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    T const moved = old[i] - mean[i];
    m[i] = momentum * m[i] + moved;
    old[i] -= rate * (moved + momentum * m[i]);
    mean[i] = old[i];
  }
}

#define QUARTIC_INSTANTIATE(T)                                                                     \
  template void blend(double, std::span<T const>, std::span<T const>, std::span<T>);               \
  template void correct(Correction, std::span<T const>, std::span<T>, std::span<T>, std::span<T>); \
  template void predict(double, std::span<T const>, std::span<T const>, std::span<T>);             \
  template void outer_step(OuterStep, std::span<T>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
