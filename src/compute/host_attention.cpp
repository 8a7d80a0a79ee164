// The softmax of causal attention on the host.
#include <algorithm>

#include "elementary.hpp"
#include "host_lanes.hpp"
#include "quartic/compute/attention.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
template <class T>
void causal_softmax(std::int64_t first_query, T scale, Matrix<T> scores) {
  QUARTIC_ASSERT(first_query + scores.rows <= scores.columns);
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    T* const s = scores.values + row * scores.stride;
    auto const seen = static_cast<std::size_t>(first_query + row + 1);
    T const shift = largest_of_row(s, seen);
    for (std::size_t key = 0; key < seen; ++key) s[key] = exponential(scale * (s[key] - shift));
    T const factor = T(1) / sum_of_row<T>(seen, [=](std::size_t key) { return s[key]; });
    for (std::size_t key = 0; key < seen; ++key) s[key] *= factor;
    std::fill(s + seen, s + scores.columns, T(0));
  }
}

template <class T>
void causal_softmax_backward(std::int64_t first_query, T scale, ConstMatrix<T> probabilities,
                             Matrix<T> gradient) {
  QUARTIC_ASSERT(probabilities.rows == gradient.rows);
  QUARTIC_ASSERT(probabilities.columns == gradient.columns);
  for (std::int64_t row = 0; row < gradient.rows; ++row) {
    T const* const p = probabilities.values + row * probabilities.stride;
    T* const g = gradient.values + row * gradient.stride;
    auto const seen = static_cast<std::size_t>(first_query + row + 1);
    T const mean = sum_of_row<T>(seen, [=](std::size_t key) { return p[key] * g[key]; });
    for (std::size_t key = 0; key < seen; ++key) g[key] = scale * p[key] * (g[key] - mean);
    std::fill(g + seen, g + gradient.columns, T(0));
  }
}

#define QUARTIC_INSTANTIATE(T)                              \
  template void causal_softmax(std::int64_t, T, Matrix<T>); \
  template void causal_softmax_backward(std::int64_t, T, ConstMatrix<T>, Matrix<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
