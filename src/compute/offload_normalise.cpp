// Batch normalisation on the device.
#include <cmath>

#include "host.hpp"
#include "offload_channels.hpp"
#include "offload_kernel.hpp"
#include "offload_loops.hpp"

namespace quartic::compute {
namespace {

double inverse_deviation(double variance, double epsilon) {
  return 1 / std::sqrt(variance + epsilon);
}

}  // namespace

template <class T>
void batch_statistics(Batches const& shape, std::span<T const> x, std::span<T> mean,
                      std::span<T> variance) {
  if (!on_device()) return host::batch_statistics(shape, x, mean, variance);
  Kernel const kernel(x, mean, variance);
  auto const count = static_cast<double>(shape.count());
  // In double between the two passes, as the host has it.
  auto* const middle = workspace<double>(Workspace::places, shape.channels);
  for_channels(
      shape, [=, x = x.data()](std::int64_t, std::int64_t i) { return double{x[i]}; },
      [=, mean = mean.data()](std::int64_t channel, double sum) {
        middle[channel] = sum / count;
        mean[channel] = static_cast<T>(sum / count);
      });
  for_channels(
      shape,
      [=, x = x.data()](std::int64_t channel, std::int64_t i) {
        double const difference = double{x[i]} - middle[channel];
        return difference * difference;
      },
      [=, variance = variance.data()](std::int64_t channel, double sum) {
        variance[channel] = static_cast<T>(sum / count);
      });
}

template <class T>
void normalise(Batches const& shape, double epsilon, std::span<T const> w, std::span<T const> b,
               std::span<T const> mean, std::span<T const> variance, std::span<T const> x,
               std::span<T> y) {
  if (!on_device()) return host::normalise(shape, epsilon, w, b, mean, variance, x, y);
  Kernel const kernel(w, b, mean, variance, x, y);
  for_each(std::ssize(y), [=, w = w.data(), b = b.data(), mean = mean.data(),
                           variance = variance.data(), x = x.data(), y = y.data()](std::int64_t i) {
    std::int64_t const c = i / shape.pixels % shape.channels;
    T const slope = w[c] * static_cast<T>(inverse_deviation(variance[c], epsilon));
    y[i] = slope * (x[i] - mean[c]) + b[c];
  });
}

template <class T>
void normalise_sums(Batches const& shape, double epsilon, std::span<T const> mean,
                    std::span<T const> variance, std::span<T const> x, std::span<T const> dy,
                    std::span<T> dw, std::span<T> db) {
  if (!on_device()) return host::normalise_sums(shape, epsilon, mean, variance, x, dy, dw, db);
  Kernel const kernel(mean, variance, x, dy, dw, db);
  for_channels(
      shape,
      [=, mean = mean.data(), x = x.data(), dy = dy.data()](std::int64_t channel, std::int64_t i) {
        return double{dy[i]} * (double{x[i]} - double{mean[channel]});
      },
      [=, variance = variance.data(), dw = dw.data()](std::int64_t channel, double sum) {
        dw[channel] = static_cast<T>(sum * inverse_deviation(variance[channel], epsilon));
      });
  for_channels(
      shape, [=, dy = dy.data()](std::int64_t, std::int64_t i) { return double{dy[i]}; },
      [=, db = db.data()](std::int64_t channel, double sum) { db[channel] = static_cast<T>(sum); });
}

template <class T>
void normalise_backward(Batches const& shape, double epsilon, std::span<T const> w,
                        std::span<T const> mean, std::span<T const> variance, std::span<T const> dw,
                        std::span<T const> db, std::span<T const> x, std::span<T const> dy,
                        std::span<T> dx) {
  if (!on_device())
    return host::normalise_backward(shape, epsilon, w, mean, variance, dw, db, x, dy, dx);
  Kernel const kernel(w, mean, variance, dw, db, x, dy, dx);
  T const share = T(1) / static_cast<T>(shape.count());
  for_each(std::ssize(dx), [=, w = w.data(), mean = mean.data(), variance = variance.data(),
                            dw = dw.data(), db = db.data(), x = x.data(), dy = dy.data(),
                            dx = dx.data()](std::int64_t i) {
    std::int64_t const c = i / shape.pixels % shape.channels;
    T const inverse = static_cast<T>(inverse_deviation(variance[c], epsilon));
    dx[i] = w[c] * inverse * (dy[i] - share * db[c] - share * dw[c] * inverse * (x[i] - mean[c]));
  });
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

}  // namespace quartic::compute
