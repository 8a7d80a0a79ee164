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

/// A payload that does not lie in the host's memory, and its ways from and to there. MPI sends it
/// from, and receives it to, a place of its own, which may be the payload itself.
class Payload {
 public:
  virtual ~Payload() = default;
  virtual std::byte* data() = 0;
  virtual std::byte* place() = 0;
  /// Begins to bring the payload to its place; it may be sent from there once departed().
  virtual void depart() = 0;
  virtual bool departed() = 0;  ///< never blocks
  /// What has been received at its place is the payload for all that is computed from now on.
  virtual void arrive() = 0;
  /// Waits until its place may be received to again.
  virtual void vacate() = 0;
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
/// elsewhere travels by itself, right after the rest.
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

  /// What travels: with a payload that lies elsewhere two pieces, otherwise one.
  std::span<std::byte> first_piece() { return {memory_.get(), memory_bytes()}; }
  std::span<std::byte> second_piece() {
    if (!elsewhere_) return {};
    return {elsewhere_->place(), payload_bytes_};
  }
  /// Its journey to another rank, for a payload that lies elsewhere (Payload); a message whose
  /// payload is here is always ready.
  void depart();
  bool departed();
  void arrive();
  void vacate();
  /// Bytes of header and payload.
  std::size_t size() const { return memory_ ? payload_begin() + payload_bytes_ : 0; }

 private:
  static constexpr std::size_t unit = 64;
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{unit});
    }
  };
  std::size_t payload_begin() const { return unit + (notes_bytes_ + unit - 1) / unit * unit; }
  std::size_t memory_bytes() const { return payload_begin() + (elsewhere_ ? 0 : payload_bytes_); }
  std::byte* first() const {
    return elsewhere_ ? elsewhere_->data() : memory_.get() + payload_begin();
  }

  std::size_t notes_bytes_ = 0;
  std::size_t payload_bytes_ = 0;
  std::unique_ptr<std::byte[], Free> memory_;
  std::unique_ptr<Payload> elsewhere_;
};

}  // namespace quartic::comm
