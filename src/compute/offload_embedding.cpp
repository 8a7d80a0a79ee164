// Embeddings on the device.
#include "host.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

// next[place] = the next place with the same token, -1 after the last; first[place]: none is
// before.
struct Chain {
  std::int32_t next;
  std::int32_t first;
};

}  // namespace

template <class T>
void embedding_forward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                       std::span<T const> tokens, std::span<T const> positions, std::span<T> y) {
  if (!on_device()) return host::embedding_forward(sequence, width, id, tokens, positions, y);
  Kernel const kernel(id, tokens, positions, y);
  for_each(std::ssize(y), [=, id = id.data(), tokens = tokens.data(), positions = positions.data(),
                           to = y.data()](std::int64_t i) {
    std::int64_t const place = i / width;
    std::int64_t const column = i % width;
    auto const token = static_cast<std::int64_t>(id[place]);
    to[i] = tokens[token * width + column] + positions[place % sequence * width + column];
  });
}

// Places of one token are added by one thread, in their order: it follows the chain of them that
// the first kernel makes. So sums need no atomics, and are those of the host.
template <class T>
void embedding_backward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                        std::span<T const> dy, std::span<T> dtokens, std::span<T> dpositions) {
  if (!on_device()) return host::embedding_backward(sequence, width, id, dy, dtokens, dpositions);
  Kernel const kernel(id, dy, dtokens, dpositions);
  std::int64_t const places = std::ssize(id);
  auto* const chain = workspace<Chain>(Workspace::places, places);
  for_each_row(places, [=, id = id.data()](std::int64_t place) {
    std::int64_t const next = row_first(
        places - place - 1, [=](std::int64_t i) { return id[place + 1 + i] == id[place]; });
    std::int64_t const before =
        row_first(place, [=](std::int64_t i) { return id[i] == id[place]; });
    std::int64_t const at = place + 1 + next;
    chain[place] = {static_cast<std::int32_t>(at < places ? at : -1), before == place ? 1 : 0};
  });
  for_each(places * width,
           [=, id = id.data(), dy = dy.data(), dtokens = dtokens.data()](std::int64_t i) {
             std::int64_t const column = i % width;
             if (chain[i / width].first == 0) return;
             auto const token = static_cast<std::int64_t>(id[i / width]);
             T sum = dtokens[token * width + column];
             for (std::int64_t place = i / width; place >= 0; place = chain[place].next)
               sum += dy[place * width + column];
             dtokens[token * width + column] = sum;
           });
  add_over_rows(places / sequence, sequence * width, dpositions.data(),
                [=, dy = dy.data()](std::int64_t row, std::int64_t column) {
                  return dy[row * sequence * width + column];
                });
}

#define QUARTIC_INSTANTIATE(T)                                                           \
  template void embedding_forward(std::int64_t, std::int64_t, std::span<T const>,        \
                                  std::span<T const>, std::span<T const>, std::span<T>); \
  template void embedding_backward(std::int64_t, std::int64_t, std::span<T const>,       \
                                   std::span<T const>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute
