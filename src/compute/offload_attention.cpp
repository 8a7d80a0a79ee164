// The softmax of causal attention on the device: a warp a query.
#include "elementary.hpp"
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {

template <class T>
void causal_softmax(std::int64_t first_query, T scale, Matrix<T> scores) {
  if (!on_device()) return host::causal_softmax(first_query, scale, scores);
  Kernel const kernel(scores);
  for_each_row(scores.rows, [=](std::int64_t row) {
    T* const s = scores.values + row * scores.stride;
    std::int64_t const seen = first_query + row + 1;
    T const shift = row_largest<T>(seen, [=](std::int64_t key) { return s[key]; });
    row_each(seen, [=](std::int64_t key) { s[key] = exponential(scale * (s[key] - shift)); });
    T const factor = T(1) / row_sum<T>(seen, [=](std::int64_t key) { return s[key]; });
    row_each(scores.columns,
             [=](std::int64_t key) { s[key] = key < seen ? s[key] * factor : T(0); });
  });
}

template <class T>
void causal_softmax_backward(std::int64_t first_query, T scale, ConstMatrix<T> probabilities,
                             Matrix<T> gradient) {
  if (!on_device())
    return host::causal_softmax_backward(first_query, scale, probabilities, gradient);
  Kernel const kernel(probabilities, gradient);
  for_each_row(gradient.rows, [=](std::int64_t row) {
    T const* const p = probabilities.values + row * probabilities.stride;
    T* const g = gradient.values + row * gradient.stride;
    std::int64_t const seen = first_query + row + 1;
    T const mean = row_sum<T>(seen, [=](std::int64_t key) { return p[key] * g[key]; });
    row_each(gradient.columns, [=](std::int64_t key) {
      g[key] = key < seen ? scale * p[key] * (g[key] - mean) : T(0);
    });
  });
}

#define QUARTIC_INSTANTIATE(T)                              \
  template void causal_softmax(std::int64_t, T, Matrix<T>); \
  template void causal_softmax_backward(std::int64_t, T, ConstMatrix<T>, Matrix<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
