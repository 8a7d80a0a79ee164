#pragma once

#include <cstdint>
#include <span>

namespace quartic::nn {

/// Uniform in ±bound, from the stream of parameter `number` of the whole model.
template <class T>
void draw_uniform(double bound, std::uint64_t seed, std::uint32_t number, std::span<T> values);

/// The same, normal.
template <class T>
void draw_normal(double deviation, std::uint64_t seed, std::uint32_t number, std::span<T> values);

}  // namespace quartic::nn
