#pragma once

#include <span>

/// The methods' own passes over a stage's weights, each one sweep through memory. T is float or
/// double; spans of one call have one length.
namespace quartic::compute {

/// out = omega a + (1 - omega) b.
template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out);

/// PipeMare's correction after an update from `last` to `w`: u = β u + (1 - β)(w - last), out =
/// w - τ u; then last = w.
struct Correction {
  double decay = 0;     ///< β
  double distance = 0;  ///< τ, in updates
};
template <class T>
void correct(Correction correction, std::span<T const> w, std::span<T> last, std::span<T> u,
             std::span<T> out);

/// SpecTrain's prediction: out = w - step v.
template <class T>
void predict(double step, std::span<T const> w, std::span<T const> velocity, std::span<T> out);

/// The outer Nesterov step of DiLoCo on the mean of copies of a model that were `old` (Douillard et
/// al. 2023, arXiv 2311.08105): Δ = old - mean, m = μ m + Δ, mean = old = old - rate (Δ + μ m).
struct OuterStep {
  double rate = 1;
  double momentum = 0;
};
template <class T>
void outer_step(OuterStep step, std::span<T> mean, std::span<T> old, std::span<T> m);

}  // namespace quartic::compute
