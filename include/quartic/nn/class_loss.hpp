#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/loss.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::nn {

/// Softmax cross-entropy against the labels that the last stage holds. T is float or double.
template <class T>
class ClassLoss {
 public:
  /// Failure when a target is not one of 0…classes-1.
  ClassLoss(std::int64_t classes, std::span<T const> targets);

  /// Sums over the rows [first_row, first_row + rows). Unless `scale` is 0, the logits [rows,
  /// classes] are overwritten with scale times their gradient.
  compute::LossSum operator()(std::int64_t first_row, std::int64_t rows, T scale,
                              std::span<T> logits) const;

 private:
  std::int64_t classes_;
  std::vector<std::int32_t> labels_;
};

}  // namespace quartic::nn
