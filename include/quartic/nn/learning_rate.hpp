#pragma once

#include <cstdint>

namespace quartic::nn {

enum class Decay { constant, linear, cosine };

/// The learning rate over a run: it climbs linearly over the first `warmup` updates, the last of
/// which has all of it, and then falls to 0 over the rest, or stays.
struct LearningRate {
  double largest = 0.01;
  Decay decay = Decay::constant;
  std::int64_t warmup = 0;
  std::int64_t updates = 1;  ///< of the whole run

  /// The rate of the update that makes version `update` + 1.
  double at(std::int64_t update) const;
};

}  // namespace quartic::nn
