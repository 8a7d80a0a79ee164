#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/matrix.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// Causal multi-head attention between its two dense layers (Vaswani et al. 2017, arXiv
/// 1706.03762): x [rows, sequence, 3 width] holds queries, keys and values, each of `heads` heads
/// one after the other; y [rows, sequence, width] = softmax(Q Kᵀ / √(width/heads)) V by head, over
/// the tokens up to the query's own. No parameters. Saves the probabilities.
///
/// Works on blocks of queries, each with the keys up to its last query: what lies beyond is not
/// computed.
template <class T>
class CausalAttention final : public Layer<T> {
 public:
  /// `heads` divides `width`.
  CausalAttention(std::int64_t width, std::int64_t heads, std::int64_t sequence);

  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  // The queries [first, first + size) of a head, with the keys [0, keys).
  struct Queries {
    std::int64_t first, size, keys;
  };
  // A head's part of one row: offsets into x, y and the probabilities.
  struct Head {
    std::int64_t x, y, probabilities;
  };
  template <class Visit>
  void for_each_head(std::int64_t rows, Pulse& pulse, Visit visit) const;
  Queries queries(std::int64_t block) const;
  std::int64_t blocks() const;
  void backward_of(Queries at, Head head, T const* x, T const* probabilities, T const* dy, T* dx);

  std::int64_t width_;
  std::int64_t heads_;
  std::int64_t sequence_;
  std::int64_t head_width_;
  T scale_;
  compute::Buffer<T> gradient_;  // of one block's scores
};

}  // namespace quartic::nn
