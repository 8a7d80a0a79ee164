// The plain forms of a transformer's kernels.
#include <algorithm>
#include <cmath>

#include "quartic/compute/reference.hpp"

namespace quartic::compute::reference {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

template <class T>
void layer_norm_forward(std::span<T const> x, std::span<T const> weight, std::span<T const> bias,
                        std::span<T> y, std::span<T> statistics) {
  std::size_t const width = weight.size();
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    double mean = 0;
    double variance = 0;
    for (std::size_t i = 0; i < width; ++i) mean += double{x[row * width + i]};
    mean /= static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i) {
      variance += (double{x[row * width + i]} - mean) * (double{x[row * width + i]} - mean);
    }
    double const inverse = 1 / std::sqrt(variance / static_cast<double>(width) + 1e-5);
    for (std::size_t i = 0; i < width; ++i) {
      double const normalised = (double{x[row * width + i]} - mean) * inverse;
      y[row * width + i] = static_cast<T>(normalised * double{weight[i]} + double{bias[i]});
    }
    statistics[2 * row] = static_cast<T>(mean);
    statistics[2 * row + 1] = static_cast<T>(inverse);
  }
}

template <class T>
void layer_norm_backward_input(std::span<T const> x, std::span<T const> weight,
                               std::span<T const> statistics, std::span<T const> dy,
                               std::span<T> dx) {
  std::size_t const width = weight.size();
  auto const count = static_cast<double>(width);
  for (std::size_t row = 0; row < x.size() / width; ++row) {
    double const mean = double{statistics[2 * row]};
    double const inverse = double{statistics[2 * row + 1]};
    double sum = 0;
    double product = 0;
    for (std::size_t i = 0; i < width; ++i) {
      double const g = double{weight[i]} * double{dy[row * width + i]};
      sum += g;
      product += g * (double{x[row * width + i]} - mean) * inverse;
    }
    for (std::size_t i = 0; i < width; ++i) {
      double const g = double{weight[i]} * double{dy[row * width + i]};
      double const normalised = (double{x[row * width + i]} - mean) * inverse;
      dx[row * width + i] =
          static_cast<T>((g - sum / count - normalised * product / count) * inverse);
    }
  }
}

template <class T>
void layer_norm_backward_weight(std::span<T const> x, std::span<T const> statistics,
                                std::span<T const> dy, std::span<T> dweight, std::span<T> dbias) {
  std::size_t const width = dweight.size();
  for (std::size_t i = 0; i < width; ++i) {
    double weight = 0;
    double bias = 0;
    for (std::size_t row = 0; row < x.size() / width; ++row) {
      double const normalised = (double{x[row * width + i]} - double{statistics[2 * row]}) *
                                double{statistics[2 * row + 1]};
      weight += double{dy[row * width + i]} * normalised;
      bias += double{dy[row * width + i]};
    }
    dweight[i] = static_cast<T>(double{dweight[i]} + weight);
    dbias[i] = static_cast<T>(double{dbias[i]} + bias);
  }
}

template <class T>
void causal_softmax(std::int64_t first_query, T scale, Matrix<T> scores) {
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    T* const s = scores.values + row * scores.stride;
    std::int64_t const last = first_query + row;
    double const shift = double{*std::max_element(s, s + last + 1)};
    double sum = 0;
    for (std::int64_t k = 0; k <= last; ++k)
      sum += std::exp(double{scale} * (double{s[k]} - shift));
    for (std::int64_t k = 0; k < scores.columns; ++k) {
      double const share = std::exp(double{scale} * (double{s[k]} - shift)) / sum;
      s[k] = k <= last ? static_cast<T>(share) : T(0);
    }
  }
}

template <class T>
void causal_softmax_backward(std::int64_t first_query, T scale, ConstMatrix<T> probabilities,
                             Matrix<T> gradient) {
  for (std::int64_t row = 0; row < gradient.rows; ++row) {
    T const* const p = probabilities.values + row * probabilities.stride;
    T* const g = gradient.values + row * gradient.stride;
    std::int64_t const last = first_query + row;
    double mean = 0;
    for (std::int64_t k = 0; k <= last; ++k) mean += double{p[k]} * double{g[k]};
    for (std::int64_t k = 0; k < gradient.columns; ++k) {
      double const slope = double{scale} * double{p[k]} * (double{g[k]} - mean);
      g[k] = k <= last ? static_cast<T>(slope) : T(0);
    }
  }
}

template <class T>
void embedding_forward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                       std::span<T const> tokens, std::span<T const> positions, std::span<T> y) {
  for (std::int64_t i = 0; i < std::ssize(y); ++i) {
    std::int64_t const place = i / width;
    auto const token = static_cast<std::int64_t>(id[index(place)]);
    y[index(i)] = tokens[index(token * width + i % width)] +
                  positions[index(place % sequence * width + i % width)];
  }
}

template <class T>
void embedding_backward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                        std::span<T const> dy, std::span<T> dtokens, std::span<T> dpositions) {
  for (std::int64_t i = 0; i < std::ssize(dy); ++i) {
    std::int64_t const place = i / width;
    auto const token = static_cast<std::int64_t>(id[index(place)]);
    dtokens[index(token * width + i % width)] += dy[index(i)];
    dpositions[index(place % sequence * width + i % width)] += dy[index(i)];
  }
}

#define QUARTIC_INSTANTIATE(T)                                                                   \
  template void layer_norm_forward(std::span<T const>, std::span<T const>, std::span<T const>,   \
                                   std::span<T>, std::span<T>);                                  \
  template void layer_norm_backward_input(std::span<T const>, std::span<T const>,                \
                                          std::span<T const>, std::span<T const>, std::span<T>); \
  template void layer_norm_backward_weight(std::span<T const>, std::span<T const>,               \
                                           std::span<T const>, std::span<T>, std::span<T>);      \
  template void causal_softmax(std::int64_t, T, Matrix<T>);                                      \
  template void causal_softmax_backward(std::int64_t, T, ConstMatrix<T>, Matrix<T>);             \
  template void embedding_forward(std::int64_t, std::int64_t, std::span<T const>,                \
                                  std::span<T const>, std::span<T const>, std::span<T>);         \
  template void embedding_backward(std::int64_t, std::int64_t, std::span<T const>,               \
                                   std::span<T const>, std::span<T>, std::span<T>);
QUARTIC_INSTANTIATE(float)
QUARTIC_INSTANTIATE(double)

}  // namespace quartic::compute::reference
