#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/loss.hpp"

namespace quartic::nn {

/// Softmax cross-entropy against the labels that the last stage holds. A row of data has one label,
/// or as many as it has places where something is predicted (the next token, at every token). T is
/// float or double.
template <class T>
class ClassLoss {
 public:
  /// Failure when a target is not one of 0…classes-1.
  ClassLoss(std::int64_t classes, std::span<T const> targets, std::int64_t labels_a_row = 1);

  /// Sums over the labels of the rows [first_row, first_row + rows), divided by labels_a_row: the
  /// whole of n rows is n times their mean loss. The logits are [rows, labels_a_row, classes].
  compute::LossSum sums(std::int64_t first_row, std::int64_t rows, std::span<T const> logits);
  /// The mean over the labels of the rows; the logits are overwritten with its gradient divided by
  /// `accumulate`.
  double mean(std::int64_t first_row, std::int64_t rows, std::int64_t accumulate,
              std::span<T> logits);
  /// The same for rows in any order.
  double mean(std::span<std::int64_t const> rows, std::int64_t accumulate, std::span<T> logits);

 private:
  std::span<std::int32_t const> labels(std::int64_t first_row, std::int64_t rows) const;
  double mean_of(std::span<std::int32_t const> labels, std::int64_t accumulate,
                 std::span<T> logits);

  std::int64_t classes_;
  std::int64_t labels_a_row_;
  std::vector<std::int32_t> labels_;
  std::vector<std::int32_t> gathered_;
  compute::Buffer<std::int32_t> lent_;  // those of a pass
};

}  // namespace quartic::nn
