#include "quartic/engine/read_copies.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::engine {

template <class T>
std::vector<T> ReadCopies<T>::keep(std::span<T const> read) {
  if (free_.empty()) return {read.begin(), read.end()};
  std::vector<T> copy = std::move(free_.back());
  free_.pop_back();
  compute::copy<T>(read, copy);
  return copy;
}

template <class T>
double ReadCopies<T>::distance_sq(std::span<T const> now, std::vector<T> copy) {
  double sum = 0;
  for (Part const& part : trained_) {
    auto const first = static_cast<std::size_t>(part.first);
    auto const size = static_cast<std::size_t>(part.size);
    sum += compute::squared_distance<T>(now.subspan(first, size),
                                        std::span<T const>(copy).subspan(first, size));
  }
  free_.push_back(std::move(copy));
  return sum;
}

template <class T>
std::int64_t ReadCopies<T>::bytes() const {
  std::size_t elements = 0;
  for (std::vector<T> const& copy : free_) elements += copy.size();
  return static_cast<std::int64_t>(elements * sizeof(T));
}

template class ReadCopies<float>;
template class ReadCopies<double>;

}  // namespace quartic::engine
