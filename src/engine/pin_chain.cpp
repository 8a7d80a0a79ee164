#include "quartic/engine/pin_chain.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::engine {

template <class T>
void PinChain<T>::pin(std::span<T const> weights) {
  std::vector<T> copy;
  if (!free_.empty()) {
    copy = std::move(free_.back());
    free_.pop_back();
  }
  copy.assign(weights.begin(), weights.end());
  pinned_.push(std::move(copy));
}

template <class T>
bool PinChain<T>::progress() {
  if (pinned_.empty()) return false;
  std::vector<T>& own = pinned_.front();
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
  std::size_t sum = 0;
  for (std::int64_t i = pinned_.first(); i < pinned_.end(); ++i) sum += pinned_[i].capacity();
  for (std::vector<T> const& copy : free_) sum += copy.capacity();
  return static_cast<std::int64_t>(sum * sizeof(T));
}

template class PinChain<float>;
template class PinChain<double>;

}  // namespace quartic::engine
