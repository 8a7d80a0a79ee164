#pragma once

#include <cstdint>
#include <span>

namespace quartic::nn {

/// Start weights of the parameter with this number in the whole model, from a stream of its own: so
/// they depend on neither the cut nor the layout of ranks. T is float or double.
template <class T>
void start_uniform(std::span<T> values, double bound, std::uint64_t seed, std::uint32_t parameter);

template <class T>
void start_normal(std::span<T> values, double deviation, std::uint64_t seed,
                  std::uint32_t parameter);

}  // namespace quartic::nn
