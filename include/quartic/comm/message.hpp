#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace quartic::comm {

/// What travels in front of every payload.
struct Header {
  std::int64_t microbatch = -1;
  std::int64_t tag = -1;  ///< version tag of stage 0, where a method has one
  std::int32_t replica = 0;
};

/// One message's memory: a header and a payload of fixed size, both on 64-byte boundaries. Moved
/// from hand to hand, never copied: whoever holds it may touch it.
class Message {
 public:
  Message() = default;
  explicit Message(std::size_t payload_bytes);

  explicit operator bool() const { return memory_ != nullptr; }
  Header& header() { return *reinterpret_cast<Header*>(memory_.get()); }
  Header const& header() const { return *reinterpret_cast<Header const*>(memory_.get()); }

  /// The payload as numbers, empty without memory; its size in bytes must be a multiple of
  /// sizeof(T).
  template <class T>
  std::span<T> payload() {
    if (!memory_) return {};
    return {reinterpret_cast<T*>(memory_.get() + header_bytes), payload_bytes_ / sizeof(T)};
  }
  template <class T>
  std::span<T const> payload() const {
    if (!memory_) return {};
    return {reinterpret_cast<T const*>(memory_.get() + header_bytes), payload_bytes_ / sizeof(T)};
  }

  std::byte* data() { return memory_.get(); }
  std::size_t size() const { return memory_ ? header_bytes + payload_bytes_ : 0; }

 private:
  static constexpr std::size_t header_bytes = 64;
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{header_bytes});
    }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  std::size_t payload_bytes_ = 0;
};

}  // namespace quartic::comm
