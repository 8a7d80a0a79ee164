#include "quartic/nn/class_loss.hpp"

#include "quartic/core/check.hpp"

namespace quartic::nn {

template <class T>
ClassLoss<T>::ClassLoss(std::int64_t classes, std::span<T const> targets) : classes_(classes) {
  labels_.reserve(targets.size());
  for (T const target : targets) {
    bool const inside = target >= 0 && target < static_cast<T>(classes);
    auto const label = inside ? static_cast<std::int32_t>(target) : 0;
    if (!inside || static_cast<T>(label) != target) {
      failure("row {} has target {}, not one of the classes 0 to {}", labels_.size(), target,
              classes - 1);
    }
    labels_.push_back(label);
  }
}

template <class T>
compute::LossSum ClassLoss<T>::operator()(std::int64_t first_row, std::int64_t rows, T scale,
                                          std::span<T> logits) const {
  auto const labels = std::span<std::int32_t const>(labels_).subspan(
      static_cast<std::size_t>(first_row), static_cast<std::size_t>(rows));
  std::span<T> const gradient = scale == 0 ? std::span<T>{} : logits;
  return compute::softmax_cross_entropy<T>(classes_, logits, labels, scale, gradient);
}

template class ClassLoss<float>;
template class ClassLoss<double>;

}  // namespace quartic::nn
