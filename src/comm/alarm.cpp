#include "quartic/comm/alarm.hpp"

#include <utility>

#include "quartic/comm/tags.hpp"

namespace quartic::comm {

Alarm::Alarm(Communicator& communicator) : communicator_(communicator) {
  if (communicator.size() > 1) posted_ = communicator.receive_from_anyone(Message(0), Tag::alarm);
}

void Alarm::ring(int stage, std::int64_t microbatch) {
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    if (rank == communicator_.rank()) continue;
    Message message(0);
    message.header().microbatch = microbatch;
    message.header().tag = stage;
    communicator_.send_now(std::move(message), rank, Tag::alarm);
  }
}

std::optional<Alarm::Call> Alarm::heard() {
  if (communicator_.size() == 1 || call_) return call_;
  if (posted_.done()) {
    Header const header = posted_.take().header();
    call_ = Call{static_cast<int>(header.tag), header.microbatch};
  }
  return call_;
}

}  // namespace quartic::comm
