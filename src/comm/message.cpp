#include "quartic/comm/message.hpp"

namespace quartic::comm {

Message::Message(std::size_t payload_bytes)
    : memory_(static_cast<std::byte*>(
          ::operator new[](header_bytes + payload_bytes, std::align_val_t{header_bytes}))),
      payload_bytes_(payload_bytes) {
  ::new (static_cast<void*>(memory_.get())) Header{};
}

}  // namespace quartic::comm
