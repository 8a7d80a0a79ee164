#pragma once

#include <cstddef>
#include <cstdint>
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

/// A payload that does not lie in the host's memory, and the copies between there and here.
class Payload {
 public:
  virtual ~Payload() = default;
  virtual std::byte* data() = 0;
  virtual void from_host(std::byte const* host) = 0;
  virtual void to_host(std::byte* host) const = 0;
};

/// What the messages of a channel are like.
struct MessageLayout {
  std::size_t payload_bytes = 0;
  std::size_t notes_bytes = 0;  ///< for the host alone, beside the header
  /// Where payloads lie; null: with the host.
  std::unique_ptr<Payload> (*make_payload)(std::size_t bytes) = nullptr;
};

/// One message's memory: a header, notes and a payload of fixed size, all on 64-byte boundaries.
/// Moved from hand to hand, never copied: whoever holds it may touch it. A payload that lies
/// elsewhere has a place here too, for its journey to another rank.
class Message {
 public:
  Message() = default;
  explicit Message(MessageLayout const& layout);
  explicit Message(std::size_t payload_bytes) : Message(MessageLayout{payload_bytes}) {}

  explicit operator bool() const { return memory_ != nullptr; }
  Header& header() { return *reinterpret_cast<Header*>(memory_.get()); }
  Header const& header() const { return *reinterpret_cast<Header const*>(memory_.get()); }

  /// Notes and payload as numbers, empty without memory; their sizes in bytes must be multiples of
  /// sizeof(T).
  template <class T>
  std::span<T> notes() {
    if (!memory_) return {};
    return {reinterpret_cast<T*>(memory_.get() + unit), notes_bytes_ / sizeof(T)};
  }
  template <class T>
  std::span<T const> notes() const {
    if (!memory_) return {};
    return {reinterpret_cast<T const*>(memory_.get() + unit), notes_bytes_ / sizeof(T)};
  }
  template <class T>
  std::span<T> payload() {
    if (!memory_) return {};
    return {reinterpret_cast<T*>(first()), payload_bytes_ / sizeof(T)};
  }
  template <class T>
  std::span<T const> payload() const {
    if (!memory_) return {};
    return {reinterpret_cast<T const*>(first()), payload_bytes_ / sizeof(T)};
  }

  /// Before its journey, and after it: a payload that lies elsewhere is copied here, or from here.
  void depart();
  void arrive();
  /// What travels.
  std::byte* data() { return memory_.get(); }
  std::size_t size() const { return memory_ ? payload_begin() + payload_bytes_ : 0; }

 private:
  static constexpr std::size_t unit = 64;
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{unit});
    }
  };
  std::size_t payload_begin() const { return unit + (notes_bytes_ + unit - 1) / unit * unit; }
  std::byte* first() const {
    return elsewhere_ ? elsewhere_->data() : memory_.get() + payload_begin();
  }

  std::size_t notes_bytes_ = 0;
  std::size_t payload_bytes_ = 0;
  std::unique_ptr<std::byte[], Free> memory_;
  std::unique_ptr<Payload> elsewhere_;
};

}  // namespace quartic::comm
