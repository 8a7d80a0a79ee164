#include "quartic/engine/arena.hpp"

namespace quartic::engine {

template <class T>
Arena<T>::Arena(std::array<Places, kinds> places) : places_(places) {
  std::int64_t elements = 0;
  for (Places const& of_kind : places_) elements += of_kind.count * of_kind.elements;
  block_ = compute::Buffer<T>(elements);
  std::span<T> rest = block_.view();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    auto const size = static_cast<std::size_t>(places_[kind].elements);
    for (std::int64_t place = 0; place < places_[kind].count; ++place) {
      free_[kind].push_back(rest.first(size));
      rest = rest.subspan(size);
    }
  }
}

template <class T>
std::span<T> Arena<T>::take(Kind kind) {
  std::vector<std::span<T>>& free = free_[kind];
  if (free.empty()) {
    ++places_[kind].count;
    return beyond_.emplace_back(places_[kind].elements).view();
  }
  std::span<T> const place = free.back();
  free.pop_back();
  return place;
}

template <class T>
std::int64_t Arena<T>::bytes(Kind kind) const {
  return places_[kind].count * places_[kind].elements * static_cast<std::int64_t>(sizeof(T));
}

template class Arena<float>;
template class Arena<double>;

}  // namespace quartic::engine
