#include "quartic/nn/start_weights.hpp"

#include "quartic/core/random.hpp"

namespace quartic::nn {

template <class T>
void draw_uniform(double bound, std::uint64_t seed, std::uint32_t number, std::span<T> values) {
  Stream stream(seed, StreamName::initial_weights, number);
  for (T& value : values) value = static_cast<T>(bound * (2 * stream.uniform() - 1));
}

template <class T>
void draw_normal(double deviation, std::uint64_t seed, std::uint32_t number, std::span<T> values) {
  Stream stream(seed, StreamName::initial_weights, number);
  for (T& value : values) value = static_cast<T>(deviation * stream.normal());
}

template void draw_uniform(double, std::uint64_t, std::uint32_t, std::span<float>);
template void draw_uniform(double, std::uint64_t, std::uint32_t, std::span<double>);

template void draw_normal(double, std::uint64_t, std::uint32_t, std::span<float>);
template void draw_normal(double, std::uint64_t, std::uint32_t, std::span<double>);

}  // namespace quartic::nn
