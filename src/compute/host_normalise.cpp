// Batch normalisation on the host.
#include <cmath>

#include "host_lanes.hpp"
#include "quartic/compute/image.hpp"
#include "quartic/core/check.hpp"

namespace QUARTIC_HOST_KERNELS {
namespace {

std::size_t index(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

// Calls visit(begin) for the first element of a channel in every image.
template <class Visit>
void for_images(Batches const& shape, std::int64_t channel, Visit visit) {
  for (std::int64_t image = 0; image < shape.images; ++image) {
    visit(index((image * shape.channels + channel) * shape.pixels));
  }
}

// Σ term(element) over a channel.
template <class Term>
double sum_of_channel(Batches const& shape, std::int64_t channel, Term term) {
  double sum = 0;
  for_images(shape, channel, [&](std::size_t begin) {
    sum += sum_in_lanes(index(shape.pixels), [&](std::size_t i) { return term(begin + i); });
  });
  return sum;
}

// Calls pass(element) for every element of a channel.
template <class Pass>
void for_channel(Batches const& shape, std::int64_t channel, Pass pass) {
  for_images(shape, channel, [&](std::size_t begin) {
    for (std::size_t i = begin; i < begin + index(shape.pixels); ++i) pass(i);
  });
}

template <class T>
double inverse_deviation(T variance, double epsilon) {
  return 1 / std::sqrt(double{variance} + epsilon);
}

std::int64_t size_of(Batches const& shape) {
  return shape.count() * shape.channels;
}

}  // namespace

template <class T>
void batch_statistics(Batches const& shape, std::span<T const> x, std::span<T> mean,
                      std::span<T> variance) {
  QUARTIC_ASSERT(std::ssize(x) == size_of(shape));
  auto const count = static_cast<double>(shape.count());
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    double const sum = sum_of_channel(shape, channel, [&](std::size_t i) { return double{x[i]}; });
    double const middle = sum / count;
    double const squares = sum_of_channel(shape, channel, [&](std::size_t i) {
      double const difference = double{x[i]} - middle;
      return difference * difference;
    });
    mean[index(channel)] = static_cast<T>(middle);
    variance[index(channel)] = static_cast<T>(squares / count);
  }
}

template <class T>
void normalise(Batches const& shape, double epsilon, std::span<T const> w, std::span<T const> b,
               std::span<T const> mean, std::span<T const> variance, std::span<T const> x,
               std::span<T> y) {
  QUARTIC_ASSERT(std::ssize(x) == size_of(shape) && x.size() == y.size());
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    std::size_t const c = index(channel);
    T const slope = w[c] * static_cast<T>(inverse_deviation(variance[c], epsilon));
    for_channel(shape, channel, [=, middle = mean[c], offset = b[c]](std::size_t i) {
      y[i] = slope * (x[i] - middle) + offset;
    });
  }
}

template <class T>
void normalise_sums(Batches const& shape, double epsilon, std::span<T const> mean,
                    std::span<T const> variance, std::span<T const> x, std::span<T const> dy,
                    std::span<T> dw, std::span<T> db) {
  QUARTIC_ASSERT(std::ssize(x) == size_of(shape) && x.size() == dy.size());
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    std::size_t const c = index(channel);
    double const middle = mean[c];
    double const product = sum_of_channel(
        shape, channel, [&](std::size_t i) { return double{dy[i]} * (double{x[i]} - middle); });
    double const sum = sum_of_channel(shape, channel, [&](std::size_t i) { return double{dy[i]}; });
    dw[c] = static_cast<T>(product * inverse_deviation(variance[c], epsilon));
    db[c] = static_cast<T>(sum);
  }
}

template <class T>
void normalise_backward(Batches const& shape, double epsilon, std::span<T const> w,
                        std::span<T const> mean, std::span<T const> variance, std::span<T const> dw,
                        std::span<T const> db, std::span<T const> x, std::span<T const> dy,
                        std::span<T> dx) {
  QUARTIC_ASSERT(std::ssize(x) == size_of(shape) && x.size() == dy.size() && x.size() == dx.size());
  T const share = T(1) / static_cast<T>(shape.count());
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    std::size_t const c = index(channel);
    T const inverse = static_cast<T>(inverse_deviation(variance[c], epsilon));
    T const slope = w[c] * inverse;
    T const constant = share * db[c];
    T const linear = share * dw[c] * inverse;
    for_channel(shape, channel, [=, middle = mean[c]](std::size_t i) {
      dx[i] = slope * (dy[i] - constant - linear * (x[i] - middle));
    });
  }
}

#define QUARTIC_INSTANTIATE(T)                                                                     \
  template void batch_statistics(Batches const&, std::span<T const>, std::span<T>, std::span<T>);  \
  template void normalise(Batches const&, double, std::span<T const>, std::span<T const>,          \
                          std::span<T const>, std::span<T const>, std::span<T const>,              \
                          std::span<T>);                                                           \
  template void normalise_sums(Batches const&, double, std::span<T const>, std::span<T const>,     \
                               std::span<T const>, std::span<T const>, std::span<T>,               \
                               std::span<T>);                                                      \
  template void normalise_backward(Batches const&, double, std::span<T const>, std::span<T const>, \
                                   std::span<T const>, std::span<T const>, std::span<T const>,     \
                                   std::span<T const>, std::span<T const>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace QUARTIC_HOST_KERNELS
