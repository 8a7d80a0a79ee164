#include "quartic/comm/agreement.hpp"

#include <algorithm>
#include <utility>

namespace quartic::comm {
namespace {

Message message_of(Agreement::Values const& values) {
  Message message(sizeof values);
  std::copy(values.begin(), values.end(), message.payload<std::int64_t>().begin());
  return message;
}

void raise_to(Agreement::Values& largest, Message const& message) {
  auto const proposed = message.payload<std::int64_t>();
  for (std::size_t i = 0; i < largest.size(); ++i) largest[i] = std::max(largest[i], proposed[i]);
}

}  // namespace

Agreement::Agreement(Communicator& communicator, int tag)
    : communicator_(communicator),
      tag_(tag),
      posted_(static_cast<std::size_t>(communicator.size())),
      has_proposed_(posted_.size()) {
  for (int rank = 0; rank < communicator.size(); ++rank) {
    if ((communicator.rank() == 0) != (rank == 0)) post(rank);
  }
}

void Agreement::post(int from) {
  posted_[static_cast<std::size_t>(from)] =
      communicator_.receive(Message(sizeof(Values)), from, tag_);
}

void Agreement::propose(Values const& values) {
  QUARTIC_ASSERT(!underway_);
  underway_ = true;
  largest_ = values;
  std::erase_if(sent_, [](Transfer& transfer) { return transfer.done(); });
  if (communicator_.rank() == 0) return;
  sent_.push_back(communicator_.send(message_of(values), 0, tag_));
}

bool Agreement::done() {
  if (!underway_) return true;
  communicator_.rank() == 0 ? collect() : hear();
  return !underway_;
}

/// Rank 0: what has come; once all have, the round is over.
void Agreement::collect() {
  bool all = true;
  for (std::size_t rank = 1; rank < posted_.size(); ++rank) {
    if (!has_proposed_[rank] && posted_[rank].done()) {
      raise_to(largest_, posted_[rank].take());
      has_proposed_[rank] = true;
      post(static_cast<int>(rank));
    }
    all = all && has_proposed_[rank];
  }
  if (!all) return;
  for (std::size_t rank = 1; rank < posted_.size(); ++rank) {
    sent_.push_back(communicator_.send(message_of(largest_), static_cast<int>(rank), tag_));
    has_proposed_[rank] = false;
  }
  underway_ = false;
}

void Agreement::hear() {
  if (!posted_.front().done()) return;
  raise_to(largest_, posted_.front().take());
  post(0);
  underway_ = false;
}

}  // namespace quartic::comm
