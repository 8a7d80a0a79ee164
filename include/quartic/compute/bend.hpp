#pragma once

#include <span>

/// Passes over a stage's weights that methods need besides their optimizer, each once through
/// memory. T is float or double; spans of one call have one length.
namespace quartic::compute {

/// out = omega a + (1 - omega) b.
template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out);

template <class T>
struct Term {
  double factor = 0;
  std::span<T const> values;
};
/// out = Σ factor values, over one to four terms in their order. `out` may be the values of a term.
template <class T>
void bend(std::span<Term<T> const> terms, std::span<T> out);

/// The mean update after an update from `last` to `w`: u = decay u + (1 - decay)(w - last); then
/// last = w.
template <class T>
void add_to_mean_update(double decay, std::span<T const> w, std::span<T> last, std::span<T> u);

/// Delay compensation (Zheng et al. 2017, arXiv 1609.08326): sum += g + factor g g (live - read);
/// then g = 0.
template <class T>
void add_compensated(double factor, std::span<T const> live, std::span<T const> read,
                     std::span<T> g, std::span<T> sum);

/// The outer Nesterov step of DiLoCo on the mean of copies of a model that were `old` (Douillard et
/// al. 2023, arXiv 2311.08105): Δ = old - mean, m = μ m + Δ, mean = old = old - rate (Δ + μ m).
struct OuterStep {
  double rate = 1;
  double momentum = 0;
};
template <class T>
void outer_step(OuterStep step, std::span<T> mean, std::span<T> old, std::span<T> m);

}  // namespace quartic::compute
