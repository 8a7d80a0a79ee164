#include "quartic/nn/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quartic::nn {

double LearningRate::at(std::int64_t update) const {
  if (update < warmup) {
    return largest * static_cast<double>(update + 1) / static_cast<double>(warmup);
  }
  if (decay == Decay::constant) return largest;
  double const rest = static_cast<double>(std::max<std::int64_t>(1, updates - warmup));
  double const done = static_cast<double>(update - warmup) / rest;
  if (decay == Decay::linear) return largest * (1 - done);
  return largest * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace quartic::nn
