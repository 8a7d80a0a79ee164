#include "quartic/engine/read_copies.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::engine {

template <class T>
compute::Buffer<T> ReadCopies<T>::keep(std::span<T const> read) {
  if (free_.empty()) free_.emplace_back(std::ssize(read));
  compute::Buffer<T> copy = std::move(free_.back());
  free_.pop_back();
  compute::copy<T>(read, copy.view());
  return copy;
}

template <class T>
double ReadCopies<T>::distance_sq(std::span<T const> now, compute::Buffer<T> copy) {
  double sum = 0;
  for (Part const& part : trained_) {
    auto const first = static_cast<std::size_t>(part.first);
    auto const size = static_cast<std::size_t>(part.size);
    sum += compute::squared_distance<T>(now.subspan(first, size), copy.view().subspan(first, size));
  }
  free_.push_back(std::move(copy));
  return sum;
}

template <class T>
std::int64_t ReadCopies<T>::bytes() const {
  std::int64_t elements = 0;
  for (compute::Buffer<T> const& copy : free_) elements += copy.size();
  return elements * static_cast<std::int64_t>(sizeof(T));
}

template class ReadCopies<float>;
template class ReadCopies<double>;

}  // namespace quartic::engine
