#include "quartic/engine/pin_chain.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::engine {

template <class T>
void PinChain<T>::pin(std::span<T const> weights, std::int64_t version) {
  Pinned pinned;
  if (!free_.empty()) {
    pinned = std::move(free_.back());
    free_.pop_back();
  }
  pinned.weights.assign(weights.begin(), weights.end());
  pinned.version = version;
  pinned_.push(std::move(pinned));
}

template <class T>
bool PinChain<T>::progress() {
  if (pinned_.empty()) return false;
  Pinned& own = pinned_.front();
  if (links_.pins_in != nullptr) {
    if (!links_.pins_in->arrived()) return false;
    comm::Message sum = links_.pins_in->receive();
    compute::add_scaled<T>(1, std::as_const(sum).template payload<T>(), own.weights);
    own.version += sum.header().microbatch;
    links_.pins_in->give_back(std::move(sum));
  }
  send(own);
  free_.push_back(pinned_.pop());
  return true;
}

template <class T>
void PinChain<T>::send(Pinned const& pinned) {
  comm::Message message = links_.pins_out->acquire();
  message.header() = {pinned.version, -1, 0};
  compute::copy<T>(pinned.weights, message.payload<T>());
  links_.pins_out->send(std::move(message));
}

template <class T>
std::int64_t PinChain<T>::bytes() const {
  std::size_t sum = 0;
  for (std::int64_t i = pinned_.first(); i < pinned_.end(); ++i)
    sum += pinned_[i].weights.capacity();
  for (Pinned const& pinned : free_) sum += pinned.weights.capacity();
  return static_cast<std::int64_t>(sum * sizeof(T));
}

template class PinChain<float>;
template class PinChain<double>;

}  // namespace quartic::engine
