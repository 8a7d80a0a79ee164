#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace quartic::compute {

/// Interleaved partial sums: the order of a sum depends on its length alone, and the compiler can
/// keep it in vector registers without being allowed to reorder it.
inline constexpr std::size_t sum_lanes = 8;
using sum_lanes_constant = std::integral_constant<std::size_t, sum_lanes>;
using LaneSums = std::array<double, sum_lanes>;

inline double total(LaneSums const& sums) {
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// Σ_i term(i) in double.
template <class Term>
double sum_in_lanes(std::size_t length, Term term) {
  LaneSums sums{};
  std::size_t const whole = length - length % sum_lanes;
  for (std::size_t i = 0; i < whole; i += sum_lanes) {
    for (std::size_t lane = 0; lane < sum_lanes; ++lane) sums[lane] += term(i + lane);
  }
  for (std::size_t i = whole; i < length; ++i) sums[i - whole] += term(i);
  return total(sums);
}

/// Σ_i term(i) in T, of a row of some hundreds: in lanes, which are added pairwise.
template <class T, class Term>
T sum_of_row(std::size_t length, Term term) {
  constexpr std::size_t lanes = 32;
  std::array<T, lanes> sums{};
  std::size_t const whole = length - length % lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += term(i + lane);
  }
  for (std::size_t i = whole; i < length; ++i) sums[i - whole] += term(i);
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

/// The largest of a row of at least one: in lanes too, since a loop with one running maximum is not
/// made vector code. A NaN is passed over unless it is the first.
template <class T>
T largest_of_row(T const* values, std::size_t count) {
  constexpr std::size_t lanes = 16;
  std::array<T, lanes> largest{};
  largest.fill(values[0]);
  auto const take = [&](std::size_t lane, T value) {
    largest[lane] = value > largest[lane] ? value : largest[lane];
  };
  std::size_t const whole = count - count % lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) take(lane, values[i + lane]);
  }
  for (std::size_t i = whole; i < count; ++i) take(i - whole, values[i]);
  return *std::max_element(largest.begin(), largest.end());
}

}  // namespace quartic::compute
