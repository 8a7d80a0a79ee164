#include "quartic/comm/message.hpp"

namespace quartic::comm {

Message::Message(MessageLayout const& layout)
    : notes_bytes_(layout.notes_bytes),
      payload_bytes_(layout.payload_bytes),
      memory_(static_cast<std::byte*>(
          ::operator new[](payload_begin() + payload_bytes_, std::align_val_t{unit}))) {
  ::new (static_cast<void*>(memory_.get())) Header{};
  if (layout.make_payload != nullptr && payload_bytes_ > 0)
    elsewhere_ = layout.make_payload(payload_bytes_);
}

void Message::depart() {
  if (elsewhere_) elsewhere_->to_host(memory_.get() + payload_begin());
}

void Message::arrive() {
  if (elsewhere_) elsewhere_->from_host(memory_.get() + payload_begin());
}

}  // namespace quartic::comm
