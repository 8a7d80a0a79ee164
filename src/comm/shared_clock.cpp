#include "quartic/comm/shared_clock.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "quartic/comm/tags.hpp"

namespace quartic::comm {
namespace {

constexpr int round_trips = 10;

std::int64_t value_of(Message const& message) {
  return message.header().microbatch;
}

Message stamped(std::int64_t value) {
  Message message(0);
  message.header().microbatch = value;
  return message;
}

/// Rank 0's clock minus this node's, measured by this rank.
std::int64_t measure_offset(Communicator& communicator) {
  std::int64_t fastest = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset = 0;
  for (int trip = 0; trip < round_trips; ++trip) {
    std::int64_t const sent = monotonic_ns();
    communicator.send_now(stamped(0), 0, Tag::clock);
    std::int64_t const theirs = value_of(communicator.receive_now(Message(0), 0, Tag::clock));
    std::int64_t const duration = monotonic_ns() - sent;
    if (duration < fastest) {
      fastest = duration;
      offset = theirs - (sent + duration / 2);
    }
  }
  return offset;
}

void answer(Communicator& communicator, int rank) {
  for (int trip = 0; trip < round_trips; ++trip) {
    static_cast<void>(communicator.receive_now(Message(0), rank, Tag::clock));
    communicator.send_now(stamped(monotonic_ns()), rank, Tag::clock);
  }
}

}  // namespace

SharedClock::SharedClock(Communicator& communicator, std::int64_t elapsed_ns) {
  auto const hosts = communicator.gather(Communicator::host());
  auto const elsewhere = [&](int rank) {
    return hosts[static_cast<std::size_t>(rank)] != hosts[0];
  };
  std::int64_t offset = 0;
  for (int rank = 1; rank < communicator.size(); ++rank) {
    if (!elsewhere(rank)) continue;
    if (communicator.rank() == 0) answer(communicator, rank);
    if (communicator.rank() == rank) offset = measure_offset(communicator);
  }
  communicator.barrier();
  start_ns_ =
      std::stoll(communicator.broadcast(std::to_string(monotonic_ns() - elapsed_ns), 0)) - offset;
}

}  // namespace quartic::comm
