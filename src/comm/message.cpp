#include "quartic/comm/message.hpp"

namespace quartic::comm {

Message::Message(MessageLayout const& layout)
    : notes_bytes_(layout.notes_bytes),
      payload_bytes_(layout.payload_bytes),
      elsewhere_(layout.make_payload != nullptr && layout.payload_bytes > 0
                     ? layout.make_payload(layout.payload_bytes)
                     : nullptr) {
  memory_.reset(static_cast<std::byte*>(::operator new[](memory_bytes(), std::align_val_t{unit})));
  ::new (static_cast<void*>(memory_.get())) Header{};
}

void Message::depart() {
  if (elsewhere_) elsewhere_->depart();
}

bool Message::departed() {
  return !elsewhere_ || elsewhere_->departed();
}

void Message::arrive() {
  if (elsewhere_) elsewhere_->arrive();
}

void Message::vacate() {
  if (elsewhere_) elsewhere_->vacate();
}

}  // namespace quartic::comm
