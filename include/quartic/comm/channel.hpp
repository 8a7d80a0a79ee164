#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/comm/message.hpp"
#include "quartic/core/indexed_ring.hpp"

/// A channel carries the messages of one direction across one boundary between stages, in order.
///
///   stage 2 (rank 0)                                 stage 3 (rank 1)
///   Message m = outbox.acquire();
///   …fill m…
///   outbox.send(std::move(m));      -- transfer -->  if (inbox.arrived()) { Message m =
///   inbox.receive(); …
///                                                    inbox.give_back(std::move(m)); }
///
/// On one rank both ends are the same object and a message is handed over by move. Buffers go
/// round: after the first few messages nothing is allocated.
namespace quartic::comm {

/// The sending end.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// A free message of the channel's size, its content undefined.
  virtual Message acquire() = 0;
  virtual void send(Message message) = 0;
  /// Messages sent that have not left this rank, or not been received where nothing leaves.
  virtual std::int64_t unsent() = 0;
};

/// The receiving end.
class Inbox {
 public:
  virtual ~Inbox() = default;
  /// Whether the next message is there; never blocks.
  virtual bool arrived() = 0;
  /// The next message, which must have arrived: to look at, or to have.
  virtual Message const& front() const = 0;
  virtual Message receive() = 0;
  /// A message that has been read, to be used again.
  virtual void give_back(Message message) = 0;

  /// Whether the next `count` messages are there, beyond those for which receives are posted too;
  /// never blocks.
  virtual bool arrived(std::int64_t count) = 0;
  /// The i-th of the messages that are there.
  virtual Message& waiting(std::int64_t i) = 0;
  /// A free message of the channel's size: to be filled as one that has been received, or that
  /// waits to be, after those that wait already.
  virtual Message spare() = 0;
  virtual void put(Message message) = 0;
};

/// Messages that are free to be used again.
class Pool {
 public:
  explicit Pool(MessageLayout const& layout) : layout_(layout) {}
  Message take();
  void give_back(Message message) { free_.push_back(std::move(message)); }
  /// Bytes of all messages this pool has made.
  std::size_t bytes() const { return bytes_; }

 private:
  MessageLayout layout_;
  std::vector<Message> free_;
  std::size_t bytes_ = 0;
};

/// Both ends on one rank.
class LocalChannel final : public Outbox, public Inbox {
 public:
  explicit LocalChannel(MessageLayout const& layout) : pool_(layout) {}
  Message acquire() override { return pool_.take(); }
  void send(Message message) override { queue_.push(std::move(message)); }
  std::int64_t unsent() override { return queue_.size(); }
  bool arrived() override { return !queue_.empty(); }
  Message const& front() const override { return queue_.front(); }
  Message receive() override { return queue_.pop(); }
  void give_back(Message message) override { pool_.give_back(std::move(message)); }
  bool arrived(std::int64_t count) override { return queue_.size() >= count; }
  Message& waiting(std::int64_t i) override { return queue_[queue_.first() + i]; }
  Message spare() override { return pool_.take(); }
  void put(Message message) override { queue_.push(std::move(message)); }
  std::size_t bytes() const { return pool_.bytes(); }

 private:
  Pool pool_;
  IndexedRing<Message> queue_;
};

/// The sending end of a channel to another rank.
class RemoteOutbox final : public Outbox {
 public:
  /// `until_received`: a message counts as sent only once it is being received, so that unsent()
  /// tells how far the receiver is behind, however small the messages are.
  RemoteOutbox(Communicator& communicator, int to, int tag, MessageLayout const& layout,
               bool until_received = false);
  Message acquire() override;
  void send(Message message) override;
  std::int64_t unsent() override;
  /// Sends what has departed since: to be called again and again, for nothing else does.
  void progress();
  /// Whether everything sent has left.
  bool drained() { return unsent() == 0; }
  std::size_t bytes() const { return pool_.bytes(); }

 private:
  void collect();
  Communicator& communicator_;
  int to_;
  int tag_;
  bool until_received_;
  Pool pool_;
  IndexedRing<Message> departing_;
  IndexedRing<Transfer> in_flight_;
};

/// The receiving end of a channel from another rank, with `depth` receives posted ahead.
class RemoteInbox final : public Inbox {
 public:
  RemoteInbox(Communicator& communicator, int from, int tag, MessageLayout const& layout,
              int depth);
  bool arrived() override { return !taken_.empty() || posted_.front().done(); }
  Message const& front() const override {
    return taken_.empty() ? posted_.front().message() : taken_.front();
  }
  Message receive() override;
  void give_back(Message message) override { pool_.give_back(std::move(message)); }
  bool arrived(std::int64_t count) override;
  Message& waiting(std::int64_t i) override { return taken_[taken_.first() + i]; }
  Message spare() override { return pool_.take(); }
  void put(Message message) override { taken_.push(std::move(message)); }
  std::size_t bytes() const { return pool_.bytes(); }

 private:
  void post();
  Message take();
  Communicator& communicator_;
  int from_;
  int tag_;
  Pool pool_;
  IndexedRing<Message> taken_;  // out of the transfers, ahead of their being received
  IndexedRing<Transfer> posted_;
};

}  // namespace quartic::comm
