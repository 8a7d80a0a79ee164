#include "quartic/nn/class_loss.hpp"

#include "quartic/core/check.hpp"

namespace quartic::nn {

template <class T>
ClassLoss<T>::ClassLoss(std::int64_t classes, std::span<T const> targets, std::int64_t labels_a_row)
    : classes_(classes), labels_a_row_(labels_a_row) {
  labels_.reserve(targets.size());
  for (T const target : targets) {
    bool const inside = target >= 0 && target < static_cast<T>(classes);
    auto const label = inside ? static_cast<std::int32_t>(target) : 0;
    if (!inside || static_cast<T>(label) != target) {
      failure("target {} is {}, not one of the classes 0 to {}", labels_.size(), target,
              classes - 1);
    }
    labels_.push_back(label);
  }
}

template <class T>
std::span<std::int32_t const> ClassLoss<T>::labels(std::int64_t first_row,
                                                   std::int64_t rows) const {
  return std::span<std::int32_t const>(labels_).subspan(
      static_cast<std::size_t>(first_row * labels_a_row_),
      static_cast<std::size_t>(rows * labels_a_row_));
}

template <class T>
compute::LossSum ClassLoss<T>::sums(std::int64_t first_row, std::int64_t rows,
                                    std::span<T const> logits) {
  auto sum = compute::softmax_cross_entropy<T>(
      classes_, logits, compute::lend(labels(first_row, rows), lent_), T(0), {});
  sum.value /= static_cast<double>(labels_a_row_);
  sum.correct /= static_cast<double>(labels_a_row_);
  return sum;
}

template <class T>
double ClassLoss<T>::mean(std::int64_t first_row, std::int64_t rows, std::int64_t accumulate,
                          std::span<T> logits) {
  return mean_of(labels(first_row, rows), accumulate, logits);
}

template <class T>
double ClassLoss<T>::mean(std::span<std::int64_t const> rows, std::int64_t accumulate,
                          std::span<T> logits) {
  gathered_.clear();
  for (std::int64_t const row : rows) {
    auto const of_row = labels(row, 1);
    gathered_.insert(gathered_.end(), of_row.begin(), of_row.end());
  }
  return mean_of(gathered_, accumulate, logits);
}

template <class T>
double ClassLoss<T>::mean_of(std::span<std::int32_t const> labels, std::int64_t accumulate,
                             std::span<T> logits) {
  auto const count = static_cast<double>(labels.size());
  auto const scale = static_cast<T>(1 / (count * static_cast<double>(accumulate)));
  auto const sum = compute::softmax_cross_entropy<T>(classes_, logits, compute::lend(labels, lent_),
                                                     scale, logits);
  return sum.value / count;
}

template class ClassLoss<float>;
template class ClassLoss<double>;

}  // namespace quartic::nn
