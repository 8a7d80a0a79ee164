#include "quartic/comm/channel.hpp"

namespace quartic::comm {

Message Pool::take() {
  if (!free_.empty()) {
    Message message = std::move(free_.back());
    free_.pop_back();
    return message;
  }
  Message message(layout_);
  bytes_ += message.size();
  return message;
}

RemoteOutbox::RemoteOutbox(Communicator& communicator, int to, int tag, MessageLayout const& layout,
                           bool until_received)
    : communicator_(communicator),
      to_(to),
      tag_(tag),
      until_received_(until_received),
      pool_(layout) {}

Message RemoteOutbox::acquire() {
  collect();
  return pool_.take();
}

void RemoteOutbox::send(Message message) {
  message.depart();
  departing_.push(std::move(message));
  progress();
}

void RemoteOutbox::progress() {
  while (!departing_.empty() && departing_.front().departed()) {
    Message message = departing_.pop();
    in_flight_.push(until_received_
                        ? communicator_.send_until_received(std::move(message), to_, tag_)
                        : communicator_.send(std::move(message), to_, tag_));
  }
}

std::int64_t RemoteOutbox::unsent() {
  collect();
  return departing_.size() + in_flight_.size();
}

void RemoteOutbox::collect() {
  progress();
  while (!in_flight_.empty() && in_flight_.front().done()) pool_.give_back(in_flight_.pop().take());
}

RemoteInbox::RemoteInbox(Communicator& communicator, int from, int tag, MessageLayout const& layout,
                         int depth)
    : communicator_(communicator), from_(from), tag_(tag), pool_(layout) {
  for (int i = 0; i < depth; ++i) post();
}

Message RemoteInbox::receive() {
  return taken_.empty() ? take() : taken_.pop();
}

bool RemoteInbox::arrived(std::int64_t count) {
  while (taken_.size() < count && posted_.front().done()) taken_.push(take());
  return taken_.size() >= count;
}

Message RemoteInbox::take() {
  Message message = posted_.pop().take();
  message.arrive();
  post();
  return message;
}

void RemoteInbox::post() {
  Message message = pool_.take();
  message.vacate();
  posted_.push(communicator_.receive(std::move(message), from_, tag_));
}

}  // namespace quartic::comm
