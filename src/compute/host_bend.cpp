// Passes over weights that methods need, on the host: each element by itself, left to the
// compiler's vector registers.
#include <array>

#include "quartic/compute/bend.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

template <std::size_t count, class T>
void bend_terms(std::span<Term<T> const> terms, std::span<T> out) {
  std::array<T, count> factors;
  std::array<T const*, count> values;
  for (std::size_t k = 0; k < count; ++k) {
    QUARTIC_ASSERT(terms[k].values.size() == out.size());
    factors[k] = static_cast<T>(terms[k].factor);
    values[k] = terms[k].values.data();
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    T sum = factors[0] * values[0][i];
    for (std::size_t k = 1; k < count; ++k) sum += factors[k] * values[k][i];
    out[i] = sum;
  }
}

}  // namespace

template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out) {
  QUARTIC_ASSERT(a.size() == b.size() && a.size() == out.size());
  auto const of_a = static_cast<T>(omega);
  auto const of_b = static_cast<T>(1 - omega);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = of_a * a[i] + of_b * b[i];
}

template <class T>
void bend(std::span<Term<T> const> terms, std::span<T> out) {
  constexpr auto passes =
      std::array{bend_terms<1, T>, bend_terms<2, T>, bend_terms<3, T>, bend_terms<4, T>};
  QUARTIC_ASSERT(!terms.empty() && terms.size() <= passes.size());
  passes[terms.size() - 1](terms, out);
}

template <class T>
void add_to_mean_update(double decay, std::span<T const> w, std::span<T> last, std::span<T> u) {
  QUARTIC_ASSERT(w.size() == last.size() && w.size() == u.size());
  auto const kept = static_cast<T>(decay);
  auto const rest = static_cast<T>(1 - decay);
  for (std::size_t i = 0; i < u.size(); ++i) {
    u[i] = kept * u[i] + rest * (w[i] - last[i]);
    last[i] = w[i];
  }
}

template <class T>
void add_compensated(double factor, std::span<T const> live, std::span<T const> read,
                     std::span<T> g, std::span<T> sum) {
  QUARTIC_ASSERT(live.size() == read.size() && live.size() == g.size() &&
                 live.size() == sum.size());
  auto const lambda = static_cast<T>(factor);
  for (std::size_t i = 0; i < g.size(); ++i) {
    sum[i] += g[i] + lambda * g[i] * g[i] * (live[i] - read[i]);
    g[i] = 0;
  }
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

#define QUARTIC_INSTANTIATE(T)                                                                \
  template void blend(double, std::span<T const>, std::span<T const>, std::span<T>);          \
  template void bend(std::span<Term<T> const>, std::span<T>);                                 \
  template void add_to_mean_update(double, std::span<T const>, std::span<T>, std::span<T>);   \
  template void add_compensated(double, std::span<T const>, std::span<T const>, std::span<T>, \
                                std::span<T>);                                                \
  template void outer_step(OuterStep, std::span<T>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
