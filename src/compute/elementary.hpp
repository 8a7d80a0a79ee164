#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

/// Elementary functions without branches or calls, so that a loop over them becomes vector code.
/// Single precision only; in double the C library's are taken, which are exact to the last digit
/// and slow: double is for checking.
namespace quartic::compute {

/// 0 of a finite number, NaN of every other: what is added up to see whether all are finite.
template <class T>
T nothing(T x) {
  return T(0) * x;
}

/// e^x to 2 units in the last place for x from -87 to 88, 0 below, e^88 above; NaN stays NaN.
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts (Cody and Waite 1980), and the Taylor
/// polynomial of e^r, whose error there is below 2^-24.
inline float exponential(float x) {
  constexpr float to_integer = 12582912.0F;  // 1.5 · 2^23: adding it rounds to a whole number
  constexpr float ln2_high = 0.693359375F;
  constexpr float ln2_low = -2.12194440e-4F;
  x = x > 88.0F ? 88.0F : x;
  bool const vanishes = x < -87.0F;
  x = vanishes ? -87.0F : x;
  float const shifted = x * std::numbers::log2e_v<float> + to_integer;
  float const k = shifted - to_integer;
  float const r = (x - k * ln2_high) - k * ln2_low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  float const power = (p * r * r + r) + 1.0F;
  auto const exponent =
      (std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(to_integer) + 127) << 23;
  return vanishes ? 0.0F : power * std::bit_cast<float>(exponent);
}

inline double exponential(double x) {
  return std::exp(x);
}

/// The standard normal distribution Φ and its density φ at one place.
template <class T>
struct Normal {
  T distribution;
  T density;
};

/// Φ to 7.5e-8 by Abramowitz and Stegun 1964, 7.1.26, which shares its exponential with φ.
inline Normal<float> normal(float x) {
  constexpr float inverse_root_2pi =
      std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
  float const z = std::abs(x) / std::numbers::sqrt2_v<float>;
  float const bell = exponential(-0.5F * x * x);
  float const t = 1.0F / (1.0F + 0.3275911F * z);
  float p = 1.061405429F;
  p = p * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  float const tail = 0.5F * p * t * bell;
  return {x < 0 ? tail : 1.0F - tail, inverse_root_2pi * bell};
}

inline Normal<double> normal(double x) {
  constexpr double inverse_root_2pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return {0.5 * std::erfc(-x / std::numbers::sqrt2), inverse_root_2pi * std::exp(-0.5 * x * x)};
}

}  // namespace quartic::compute
