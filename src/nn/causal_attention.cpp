#include "quartic/nn/causal_attention.hpp"

#include <algorithm>
#include <cmath>

#include "quartic/compute/attention.hpp"
#include "quartic/compute/gemm.hpp"

namespace quartic::nn {
namespace {

// Smaller blocks save more of the upper triangle, larger ones make faster products.
constexpr std::int64_t queries_a_block = 64;

}  // namespace

template <class T>
CausalAttention<T>::CausalAttention(std::int64_t width, std::int64_t heads, std::int64_t sequence)
    : width_(width),
      heads_(heads),
      sequence_(sequence),
      head_width_(width / heads),
      scale_(static_cast<T>(1 / std::sqrt(static_cast<double>(head_width_)))),
      gradient_(std::min(queries_a_block, sequence) * sequence) {}

template <class T>
Sizes CausalAttention<T>::sizes(std::int64_t rows) const {
  std::int64_t const elements = rows * sequence_ * width_;
  return {3 * elements, elements, rows * heads_ * sequence_ * sequence_, 0};
}

template <class T>
std::int64_t CausalAttention<T>::blocks() const {
  return (sequence_ + queries_a_block - 1) / queries_a_block;
}

template <class T>
typename CausalAttention<T>::Queries CausalAttention<T>::queries(std::int64_t block) const {
  std::int64_t const first = block * queries_a_block;
  std::int64_t const end = std::min(first + queries_a_block, sequence_);
  return {first, end - first, end};
}

template <class T>
template <class Visit>
void CausalAttention<T>::for_each_head(std::int64_t rows, Pulse& pulse, Visit visit) const {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < heads_; ++head) {
      visit(Head{row * sequence_ * 3 * width_ + head * head_width_,
                 row * sequence_ * width_ + head * head_width_,
                 (row * heads_ + head) * sequence_ * sequence_});
    }
    pulse.beat();
  }
}

template <class T>
void CausalAttention<T>::forward(std::int64_t rows, std::span<T const> /*weights*/,
                                 std::span<T const> x, std::span<T> y, std::span<T> saved,
                                 Pulse& pulse) {
  using Const = compute::ConstMatrix<T>;
  std::int64_t const stride = 3 * width_;
  for_each_head(rows, pulse, [&](Head head) {
    T const* const q = x.data() + head.x;
    T const* const k = q + width_;
    T const* const v = k + width_;
    for (std::int64_t block = 0; block < blocks(); ++block) {
      auto const [first, size, keys] = queries(block);
      compute::Matrix<T> const p(saved.data() + head.probabilities + first * sequence_, size, keys,
                                 sequence_);
      compute::gemm<T>(1, {q + first * stride, size, head_width_, stride},
                       transposed(Const(k, keys, head_width_, stride)), 0, p);
      compute::causal_softmax<T>(first, scale_, p);
      compute::gemm<T>(1, {p.values, size, keys, sequence_}, {v, keys, head_width_, stride}, 0,
                       {y.data() + head.y + first * width_, size, head_width_, width_});
    }
  });
}

// From the last block down: its keys are all, so it writes dK and dV, and the others add to them.
template <class T>
void CausalAttention<T>::backward_of(Queries at, Head head, T const* x, T const* probabilities,
                                     T const* dy, T* dx) {
  using Const = compute::ConstMatrix<T>;
  std::int64_t const stride = 3 * width_;
  T const beta = at.keys == sequence_ ? T(0) : T(1);
  T const* const q = x + head.x;
  T const* const k = q + width_;
  T const* const v = k + width_;
  T* const dq = dx + head.x;
  T* const dk = dq + width_;
  T* const dv = dk + width_;
  Const const p(probabilities + head.probabilities + at.first * sequence_, at.size, at.keys,
                sequence_);
  Const const dout(dy + head.y + at.first * width_, at.size, head_width_, width_);

  compute::Matrix<T> const ds(gradient_.view().data(), at.size, at.keys, sequence_);
  Const const slopes(ds.values, at.size, at.keys, sequence_);
  compute::gemm<T>(1, transposed(p), dout, beta, {dv, at.keys, head_width_, stride});
  compute::gemm<T>(1, dout, transposed(Const(v, at.keys, head_width_, stride)), 0, ds);
  compute::causal_softmax_backward<T>(at.first, scale_, p, ds);
  compute::gemm<T>(1, slopes, {k, at.keys, head_width_, stride}, 0,
                   {dq + at.first * stride, at.size, head_width_, stride});
  compute::gemm<T>(1, transposed(slopes), {q + at.first * stride, at.size, head_width_, stride},
                   beta, {dk, at.keys, head_width_, stride});
}

template <class T>
void CausalAttention<T>::backward_input(std::int64_t rows, std::span<T const> /*weights*/,
                                        std::span<T const> x, std::span<T const> saved,
                                        std::span<T const> dy, std::span<T> dx,
                                        std::span<T> /*flow*/, Pulse& pulse) {
  if (dx.empty()) return;
  for_each_head(rows, pulse, [&](Head head) {
    for (std::int64_t block = blocks(); block-- > 0;) {
      backward_of(queries(block), head, x.data(), saved.data(), dy.data(), dx.data());
    }
  });
}

template <class T>
double CausalAttention<T>::flops(std::int64_t rows) const {
  double pairs = 0;
  for (std::int64_t block = 0; block < blocks(); ++block) {
    auto const [first, size, keys] = queries(block);
    pairs += static_cast<double>(size * keys);
  }
  return 4 * pairs * static_cast<double>(rows * width_);
}

template class CausalAttention<float>;
template class CausalAttention<double>;

}  // namespace quartic::nn
