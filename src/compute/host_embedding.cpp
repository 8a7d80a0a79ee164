// Embeddings on the host.
#include "quartic/compute/embedding.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {

template <class T>
void embedding_forward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                       std::span<T const> tokens, std::span<T const> positions, std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(y) == std::ssize(id) * width);
  for (std::int64_t place = 0; place < std::ssize(id); ++place) {
    auto const token = static_cast<std::int64_t>(id[static_cast<std::size_t>(place)]);
    QUARTIC_ASSERT(0 <= token && (token + 1) * width <= std::ssize(tokens));
    T const* const from = tokens.data() + token * width;
    T const* const at = positions.data() + place % sequence * width;
    T* const to = y.data() + place * width;
    for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] + at[i];
  }
}

template <class T>
void embedding_backward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                        std::span<T const> dy, std::span<T> dtokens, std::span<T> dpositions) {
  QUARTIC_ASSERT(std::ssize(dy) == std::ssize(id) * width);
  for (std::int64_t place = 0; place < std::ssize(id); ++place) {
    auto const token = static_cast<std::int64_t>(id[static_cast<std::size_t>(place)]);
    T* const to = dtokens.data() + token * width;
    T* const at = dpositions.data() + place % sequence * width;
    T const* const from = dy.data() + place * width;
    for (std::int64_t i = 0; i < width; ++i) {
      to[i] += from[i];
      at[i] += from[i];
    }
  }
}

#define QUARTIC_INSTANTIATE(T)                                                           \
  template void embedding_forward(std::int64_t, std::int64_t, std::span<T const>,        \
                                  std::span<T const>, std::span<T const>, std::span<T>); \
  template void embedding_backward(std::int64_t, std::int64_t, std::span<T const>,       \
                                   std::span<T const>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
