// The methods' own passes over weights on the device.
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {

template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out) {
  if (!on_device()) return host::blend(omega, a, b, out);
  Kernel const kernel(a, b, out);
  auto const of_a = static_cast<T>(omega);
  auto const of_b = static_cast<T>(1 - omega);
  for_each(std::ssize(out), [=, a = a.data(), b = b.data(), to = out.data()](std::int64_t i) {
    to[i] = of_a * a[i] + of_b * b[i];
  });
}

template <class T>
void correct(Correction correction, std::span<T const> w, std::span<T> last, std::span<T> u,
             std::span<T> out) {
  if (!on_device()) return host::correct(correction, w, last, u, out);
  Kernel const kernel(w, last, u, out);
  auto const decay = static_cast<T>(correction.decay);
  auto const rest = static_cast<T>(1 - correction.decay);
  auto const distance = static_cast<T>(correction.distance);
  for_each(std::ssize(out),
           [=, w = w.data(), last = last.data(), u = u.data(), to = out.data()](std::int64_t i) {
             u[i] = decay * u[i] + rest * (w[i] - last[i]);
             to[i] = w[i] - distance * u[i];
             last[i] = w[i];
           });
}

template <class T>
void predict(double step, std::span<T const> w, std::span<T const> velocity, std::span<T> out) {
  if (!on_device()) return host::predict(step, w, velocity, out);
  Kernel const kernel(w, velocity, out);
  auto const factor = static_cast<T>(step);
  for_each(std::ssize(out), [=, w = w.data(), v = velocity.data(),
                             to = out.data()](std::int64_t i) { to[i] = w[i] - factor * v[i]; });
}

template <class T>
void outer_step(OuterStep step, std::span<T> mean, std::span<T> old, std::span<T> m) {
  if (!on_device()) return host::outer_step(step, mean, old, m);
  Kernel const kernel(mean, old, m);
  auto const rate = static_cast<T>(step.rate);
  auto const momentum = static_cast<T>(step.momentum);
  for_each(std::ssize(mean),
           [=, mean = mean.data(), old = old.data(), m = m.data()](std::int64_t i) {
             T const moved = old[i] - mean[i];
             m[i] = momentum * m[i] + moved;
             old[i] -= rate * (moved + momentum * m[i]);
             mean[i] = old[i];
           });
}

#define QUARTIC_INSTANTIATE(T)                                                                     \
  template void blend(double, std::span<T const>, std::span<T const>, std::span<T>);               \
  template void correct(Correction, std::span<T const>, std::span<T>, std::span<T>, std::span<T>); \
  template void predict(double, std::span<T const>, std::span<T const>, std::span<T>);             \
  template void outer_step(OuterStep, std::span<T>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
