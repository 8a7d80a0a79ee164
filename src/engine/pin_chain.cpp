#include "quartic/engine/pin_chain.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::engine {

template <class T>
void PinChain<T>::pin(std::span<T const> weights) {
  if (free_.empty()) free_.emplace_back(std::ssize(weights));
  compute::copy<T>(weights, free_.back().view());
  pinned_.push(std::move(free_.back()));
  free_.pop_back();
}

template <class T>
bool PinChain<T>::progress() {
  if (pinned_.empty()) return false;
  std::span<T> const own = pinned_.front().view();
  if (links_.pins_in != nullptr) {
    if (!links_.pins_in->arrived()) return false;
    comm::Message sum = links_.pins_in->receive();
    compute::add_scaled<T>(1, std::as_const(sum).template payload<T>(), own);
    links_.pins_in->give_back(std::move(sum));
  }
  comm::Message message = links_.pins_out->acquire();
  compute::copy<T>(own, message.payload<T>());
  links_.pins_out->send(std::move(message));
  free_.push_back(pinned_.pop());
  return true;
}

template <class T>
std::int64_t PinChain<T>::bytes() const {
  std::int64_t sum = 0;
  for (std::int64_t i = pinned_.first(); i < pinned_.end(); ++i) sum += pinned_[i].size();
  for (compute::Buffer<T> const& copy : free_) sum += copy.size();
  return sum * static_cast<std::int64_t>(sizeof(T));
}

template class PinChain<float>;
template class PinChain<double>;

}  // namespace quartic::engine
