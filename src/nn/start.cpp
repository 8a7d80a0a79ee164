#include "quartic/nn/start.hpp"

#include "quartic/core/random.hpp"

namespace quartic::nn {

template <class T>
void start_uniform(std::span<T> values, double bound, std::uint64_t seed, std::uint32_t parameter) {
  Stream stream(seed, StreamName::initial_weights, parameter);
  for (T& value : values) value = static_cast<T>(bound * (2 * stream.uniform() - 1));
}

template <class T>
void start_normal(std::span<T> values, double deviation, std::uint64_t seed,
                  std::uint32_t parameter) {
  Stream stream(seed, StreamName::initial_weights, parameter);
  for (T& value : values) value = static_cast<T>(deviation * stream.normal());
}

template void start_uniform(std::span<float>, double, std::uint64_t, std::uint32_t);
template void start_uniform(std::span<double>, double, std::uint64_t, std::uint32_t);
template void start_normal(std::span<float>, double, std::uint64_t, std::uint32_t);
template void start_normal(std::span<double>, double, std::uint64_t, std::uint32_t);

}  // namespace quartic::nn
