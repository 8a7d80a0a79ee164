// Passes over weights that methods need, on the device.
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

constexpr std::size_t largest_terms = 4;

/// Terms as plain bytes, so that a kernel can carry them.
template <class T>
struct DeviceTerms {
  T factor[largest_terms];
  T const* values[largest_terms];
  int count;
};

}  // namespace

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
void bend(std::span<Term<T> const> terms, std::span<T> out) {
  if (!on_device()) return host::bend(terms, out);
  QUARTIC_ASSERT(!terms.empty() && terms.size() <= largest_terms);
  DeviceTerms<T> of{};
  of.count = static_cast<int>(terms.size());
  Kernel const kernel(out);
  for (std::size_t k = 0; k < terms.size(); ++k) {
    require_on_device(terms[k].values);
    of.factor[k] = static_cast<T>(terms[k].factor);
    of.values[k] = terms[k].values.data();
  }
  for_each(std::ssize(out), [=, to = out.data()](std::int64_t i) {
    T sum = of.factor[0] * of.values[0][i];
    for (int k = 1; k < of.count; ++k) sum += of.factor[k] * of.values[k][i];
    to[i] = sum;
  });
}

template <class T>
void add_to_mean_update(double decay, std::span<T const> w, std::span<T> last, std::span<T> u) {
  if (!on_device()) return host::add_to_mean_update(decay, w, last, u);
  Kernel const kernel(w, last, u);
  auto const kept = static_cast<T>(decay);
  auto const rest = static_cast<T>(1 - decay);
  for_each(std::ssize(u), [=, w = w.data(), last = last.data(), u = u.data()](std::int64_t i) {
    u[i] = kept * u[i] + rest * (w[i] - last[i]);
    last[i] = w[i];
  });
}

template <class T>
void add_compensated(double factor, std::span<T const> live, std::span<T const> read,
                     std::span<T> g, std::span<T> sum) {
  if (!on_device()) return host::add_compensated(factor, live, read, g, sum);
  Kernel const kernel(live, read, g, sum);
  auto const lambda = static_cast<T>(factor);
  for_each(std::ssize(g), [=, live = live.data(), read = read.data(), g = g.data(),
                           sum = sum.data()](std::int64_t i) {
    sum[i] += g[i] + lambda * g[i] * g[i] * (live[i] - read[i]);
    g[i] = 0;
  });
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

#define QUARTIC_INSTANTIATE(T)                                                                \
  template void blend(double, std::span<T const>, std::span<T const>, std::span<T>);          \
  template void bend(std::span<Term<T> const>, std::span<T>);                                 \
  template void add_to_mean_update(double, std::span<T const>, std::span<T>, std::span<T>);   \
  template void add_compensated(double, std::span<T const>, std::span<T const>, std::span<T>, \
                                std::span<T>);                                                \
  template void outer_step(OuterStep, std::span<T>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
