// The optimizers' fused passes on the host.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "elementary.hpp"
#include "host_lanes.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

// A few consecutive elements in registers. All of a chunk is read before any of it is written, so
// that the passes need not know whether `to` is `from` to work on whole vector registers.
template <class T>
struct Chunk {
  std::array<T, sum_lanes> values;

  Chunk(T const* from, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) values[i] = from[i];
  }
  void store(T* to, std::size_t width) const {
    for (std::size_t i = 0; i < width; ++i) to[i] = values[i];
  }
};

// What an update adds up beside its work.
template <class T>
struct Sums {
  LaneSums squares{};
  std::array<T, sum_lanes> nothings{};

  template <class Width>
  void add_squares(Chunk<T> const& gradient, Width width) {
    for (std::size_t i = 0; i < width; ++i) {
      squares[i] += double{gradient.values[i]} * double{gradient.values[i]};
    }
  }
  template <class Width>
  void add_nothings(Chunk<T> const& written, Width width) {
    for (std::size_t i = 0; i < width; ++i) nothings[i] += nothing(written.values[i]);
  }
  double total() const {
    return compute::total(squares) +
           double{std::accumulate(nothings.begin(), nothings.end(), T(0))};
  }
};

// Calls pass(first, width, sums) for every chunk.
template <class T, class Pass>
double for_chunks(std::size_t length, Pass pass) {
  Sums<T> sums;
  std::size_t const whole = length - length % sum_lanes;
  for (std::size_t i = 0; i < whole; i += sum_lanes) pass(i, sum_lanes_constant{}, sums);
  pass(whole, length - whole, sums);
  return sums.total();
}

}  // namespace

template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient) {
  QUARTIC_ASSERT(from.size() == to.size() && from.size() == gradient.size());
  auto const rate = static_cast<T>(step.learning_rate);
  auto const decay = static_cast<T>(step.weight_decay);
  return for_chunks<T>(from.size(), [=](std::size_t first, auto width, Sums<T>& sums) {
    Chunk<T> w(from.data() + first, width);
    Chunk<T> const g(gradient.data() + first, width);
    for (std::size_t i = 0; i < width; ++i) {
      w.values[i] -= rate * (g.values[i] + decay * w.values[i]);
    }
    w.store(to.data() + first, width);
    sums.add_nothings(w, width);
    std::fill_n(gradient.data() + first, std::size_t{width}, T(0));
    sums.add_squares(g, width);
  });
}

template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity) {
  QUARTIC_ASSERT(from.size() == to.size() && from.size() == gradient.size());
  QUARTIC_ASSERT(from.size() == velocity.size());
  auto const rate = static_cast<T>(step.learning_rate);
  auto const decay = static_cast<T>(step.weight_decay);
  auto const momentum = static_cast<T>(step.momentum);
  auto const of_gradient = static_cast<T>(step.nesterov ? 1 : 0);
  auto const of_velocity = static_cast<T>(step.nesterov ? step.momentum : 1);
  return for_chunks<T>(from.size(), [=](std::size_t first, auto width, Sums<T>& sums) {
    Chunk<T> w(from.data() + first, width);
    Chunk<T> const g(gradient.data() + first, width);
    Chunk<T> v(velocity.data() + first, width);
    for (std::size_t i = 0; i < width; ++i) {
      T const gradient_i = g.values[i] + decay * w.values[i];
      v.values[i] = momentum * v.values[i] + gradient_i;
      w.values[i] -= rate * (of_gradient * gradient_i + of_velocity * v.values[i]);
    }
    w.store(to.data() + first, width);
    sums.add_nothings(w, width);
    v.store(velocity.data() + first, width);
    std::fill_n(gradient.data() + first, std::size_t{width}, T(0));
    sums.add_squares(g, width);
  });
}

template <class T>
double adam_update(AdamStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient,
                   std::span<T> m, std::span<T> v) {
  QUARTIC_ASSERT(from.size() == to.size() && from.size() == gradient.size());
  QUARTIC_ASSERT(from.size() == m.size() && from.size() == v.size());
  auto const keep = static_cast<T>(step.keep);
  auto const beta1 = static_cast<T>(step.beta1);
  auto const beta2 = static_cast<T>(step.beta2);
  auto const rest1 = static_cast<T>(1 - step.beta1);
  auto const rest2 = static_cast<T>(1 - step.beta2);
  auto const epsilon = static_cast<T>(step.epsilon);
  auto const of_gradient = static_cast<T>(step.of_gradient);
  auto const of_moment = static_cast<T>(step.of_moment);
  auto const correction = static_cast<T>(step.correction);
  return for_chunks<T>(from.size(), [=](std::size_t first, auto width, Sums<T>& sums) {
    Chunk<T> w(from.data() + first, width);
    Chunk<T> const g(gradient.data() + first, width);
    Chunk<T> moment(m.data() + first, width);
    Chunk<T> square(v.data() + first, width);
    for (std::size_t i = 0; i < width; ++i) {
      T const gradient_i = g.values[i];
      moment.values[i] = beta1 * moment.values[i] + rest1 * gradient_i;
      square.values[i] = beta2 * square.values[i] + rest2 * gradient_i * gradient_i;
      T const step_i = of_gradient * gradient_i + of_moment * moment.values[i];
      w.values[i] =
          keep * w.values[i] - step_i / (std::sqrt(correction * square.values[i]) + epsilon);
    }
    w.store(to.data() + first, width);
    sums.add_nothings(w, width);
    moment.store(m.data() + first, width);
    square.store(v.data() + first, width);
    sums.add_nothings(square, width);
    std::fill_n(gradient.data() + first, std::size_t{width}, T(0));
    sums.add_squares(g, width);
  });
}

template <class T>
void adam_direction(AdamStep step, std::span<T const> from, std::span<T const> m,
                    std::span<T const> v, std::span<T> to) {
  QUARTIC_ASSERT(from.size() == to.size() && from.size() == m.size() && from.size() == v.size());
  auto const decay = static_cast<T>(1 - step.keep);
  auto const epsilon = static_cast<T>(step.epsilon);
  auto const of_moment = static_cast<T>(step.of_moment);
  auto const correction = static_cast<T>(step.correction);
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = decay * from[i] + of_moment * m[i] / (std::sqrt(correction * v[i]) + epsilon);
  }
}

#define QUARTIC_INSTANTIATE(T)                                                                  \
  template double sgd_update(SgdStep, std::span<T const>, std::span<T>, std::span<T>);          \
  template double momentum_update(MomentumStep, std::span<T const>, std::span<T>, std::span<T>, \
                                  std::span<T>);                                                \
  template double adam_update(AdamStep, std::span<T const>, std::span<T>, std::span<T>,         \
                              std::span<T>, std::span<T>);                                      \
  template void adam_direction(AdamStep, std::span<T const>, std::span<T const>,                \
                               std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
