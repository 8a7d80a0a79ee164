#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "quartic/comm/agreement.hpp"
#include "quartic/comm/alarm.hpp"
#include "quartic/comm/channel.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/comm/placement.hpp"
#include "quartic/comm/shared_clock.hpp"
#include "quartic/core/check.hpp"
#include "support/ranks.hpp"

namespace quartic::comm {
namespace {

constexpr int tag = 100;

void wait_for(Inbox& inbox) {
  while (!inbox.arrived()) std::this_thread::yield();
}

/// Stands for a device's memory; counts the copies between there and here, and how often a place
/// was asked for to receive to. It has departed when it has been asked `patience` times.
class Elsewhere final : public Payload {
 public:
  explicit Elsewhere(std::size_t bytes) : bytes_(bytes), place_(bytes) {}
  std::byte* data() override { return bytes_.data(); }
  std::byte* place() override { return place_.data(); }
  void depart() override {
    place_ = bytes_;
    ++copies;
    asks_left_ = patience;
  }
  bool departed() override { return asks_left_-- <= 0; }
  void arrive() override {
    bytes_ = place_;
    ++copies;
  }
  void vacate() override { ++vacated; }
  static inline int copies = 0;
  static inline int patience = 0;
  static inline int vacated = 0;

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::byte> place_;
  int asks_left_ = 0;
};

MessageLayout const elsewhere{2 * sizeof(double), sizeof(double),
                              [](std::size_t bytes) -> std::unique_ptr<Payload> {
                                return std::make_unique<Elsewhere>(bytes);
                              }};

void fill(Message& message) {
  message.notes<double>()[0] = 5;
  message.payload<double>()[0] = 6;
  message.payload<double>()[1] = 7;
}

void check_filled(Message const& message) {
  CHECK(message.notes<double>()[0] == 5);
  CHECK(message.payload<double>()[0] == 6);
  CHECK(message.payload<double>()[1] == 7);
}

TEST_CASE("collectives agree on every rank") {
  Communicator world;
  CHECK(world.size() == test::rank_count());
  CHECK(world.rank() == test::this_rank());
  CHECK(world.largest(world.rank()) == world.size() - 1);
  int const last = world.size() - 1;
  CHECK(world.broadcast("from " + std::to_string(world.rank()), last) ==
        "from " + std::to_string(last));
  auto const texts = world.gather(std::string(static_cast<std::size_t>(world.rank()), 'x'));
  REQUIRE(std::ssize(texts) == world.size());
  for (int rank = 0; rank < world.size(); ++rank)
    CHECK(std::ssize(texts[static_cast<std::size_t>(rank)]) == rank);
}

TEST_CASE(
    "when a step fails on some ranks, all throw the lowest rank's error, and go on together") {
  Communicator world;
  int const last = world.size() - 1;
  CHECK_NOTHROW(agree(world, [] {}));
  CHECK_THROWS_WITH_AS(agree(world,
                             [&] {
                               if (world.rank() == last) throw UsageError("on the last");
                             }),
                       "on the last", UsageError);
  CHECK_THROWS_WITH_AS(agree(world, [&] { throw Failure("rank " + std::to_string(world.rank())); }),
                       "rank 0", Failure);
  CHECK_NOTHROW(require_equal(world, "the configuration", "same"));
  if (world.size() == 1) return;
  std::string const mine = world.rank() == 1 ? "other" : "same";
  CHECK_THROWS_WITH_AS(require_equal(world, "the configuration", mine),
                       doctest::Contains("the configuration differs between rank 0 and rank 1"),
                       UsageError);
}

TEST_CASE("a local channel hands messages over by move, in order, and its buffers go round") {
  LocalChannel channel({8 * sizeof(double)});
  double const* memory = nullptr;
  for (int round = 0; round < 3; ++round) {
    Message message = channel.acquire();
    if (memory == nullptr) memory = message.payload<double>().data();
    CHECK(message.payload<double>().data() == memory);
    message.payload<double>()[7] = round;
    message.header().microbatch = round;
    CHECK_FALSE(channel.arrived());
    channel.send(std::move(message));
    REQUIRE(channel.arrived());
    Message received = channel.receive();
    CHECK(received.header().microbatch == round);
    CHECK(received.payload<double>()[7] == round);
    channel.give_back(std::move(received));
  }
  CHECK(channel.bytes() == 64 + 8 * sizeof(double));
}

TEST_CASE("within a rank a payload that lies elsewhere is handed over as it is") {
  LocalChannel channel(elsewhere);
  Message message = channel.acquire();
  fill(message);
  Elsewhere::copies = 0;
  channel.send(std::move(message));
  check_filled(channel.receive());
  CHECK(Elsewhere::copies == 0);
}

/// A message whose payload is these numbers from `first` on.
Message counting(std::size_t numbers, double first) {
  Message message(numbers * sizeof(double));
  for (double& number : message.payload<double>()) number = first++;
  return message;
}

bool is_counting(Message const& message, double first) {
  return std::ranges::all_of(message.payload<double>(),
                             [&](double number) { return number == first++; });
}

TEST_SUITE("2 ranks") {
  TEST_CASE("messages longer than one call of MPI can carry arrive whole and in order") {
    test::require_ranks(2);
    Communicator world;
    constexpr std::size_t limit = 4096;
    world.set_largest_piece(limit);
    int const other = 1 - world.rank();
    std::vector<Transfer> received;
    std::vector<Transfer> sent;
    // Lengths with their header: less than one piece to many pieces, some of them whole.
    std::vector<std::size_t> const counts{0, 1, 504, 505, 1016, 1017, 5000, 504, 70000};
    for (std::size_t const count : counts)
      received.push_back(world.receive(Message(count * sizeof(double)), other, tag));
    for (std::size_t const count : counts) {
      Message message = counting(count, static_cast<double>(count));
      message.header().microbatch = static_cast<std::int64_t>(count);
      sent.push_back(count % 2 == 0 ? world.send(std::move(message), other, tag)
                                    : world.send_until_received(std::move(message), other, tag));
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
      while (!received[i].done() || !sent[i].done()) std::this_thread::yield();
      Message const message = received[i].take();
      CHECK(message.header().microbatch == static_cast<std::int64_t>(counts[i]));
      CHECK(is_counting(message, static_cast<double>(counts[i])));
    }
    world.barrier();
  }

  TEST_CASE("blocking messages, texts and payloads elsewhere are as long as they like, too") {
    test::require_ranks(2);
    Communicator world;
    world.set_largest_piece(100);
    if (world.rank() == 0) world.send_now(counting(1000, 3), 1, tag);
    if (world.rank() == 1)
      CHECK(is_counting(world.receive_now(Message(1000 * sizeof(double)), 0, tag), 3));
    std::string const text(12345, 'x');
    CHECK(world.broadcast(world.rank() == 1 ? text : "", 1) == text);
    auto const texts = world.gather(world.rank() == 0 ? text : "");
    CHECK((texts[0] == text && texts[1].empty()));
    world.set_largest_piece(8);
    RemoteOutbox outbox(world, 1 - world.rank(), tag + 9, elsewhere);
    RemoteInbox inbox(world, 1 - world.rank(), tag + 9, elsewhere, 2);
    Message message = outbox.acquire();
    fill(message);
    outbox.send(std::move(message));
    wait_for(inbox);
    check_filled(inbox.receive());
    while (!outbox.drained()) std::this_thread::yield();
    world.barrier();
  }

  TEST_CASE(
      "a payload that lies elsewhere travels through the host's memory, and notes beside it") {
    test::require_ranks(2);
    Communicator world;
    RemoteOutbox outbox(world, 1 - world.rank(), tag + 7, elsewhere);
    RemoteInbox inbox(world, 1 - world.rank(), tag + 7, elsewhere, 1);
    Message message = outbox.acquire();
    fill(message);
    Elsewhere::copies = 0;
    outbox.send(std::move(message));
    wait_for(inbox);
    check_filled(inbox.receive());
    CHECK(Elsewhere::copies == 2);
    while (!outbox.drained()) std::this_thread::yield();
    world.barrier();
  }

  TEST_CASE(
      "payloads that lie elsewhere leave when they have departed, in order, and are received to "
      "places that are free") {
    test::require_ranks(2);
    constexpr int messages = 20;
    constexpr int depth = 2;
    Communicator world;
    Elsewhere::copies = 0;
    Elsewhere::vacated = 0;
    RemoteOutbox outbox(world, 1 - world.rank(), tag + 8, elsewhere);
    RemoteInbox inbox(world, 1 - world.rank(), tag + 8, elsewhere, depth);
    for (int j = 0; j < messages; ++j) {
      Message message = outbox.acquire();
      message.payload<double>()[0] = j;
      Elsewhere::patience = j % 3 == 0 ? 100 : 0;  // those after it are ready first
      outbox.send(std::move(message));
    }
    CHECK(outbox.unsent() > 0);
    for (int j = 0; j < messages; ++j) {
      while (!inbox.arrived()) outbox.progress();
      Message received = inbox.receive();
      CHECK(received.payload<double>()[0] == j);
      inbox.give_back(std::move(received));
    }
    while (!outbox.drained()) std::this_thread::yield();
    CHECK(Elsewhere::copies == 2 * messages);
    CHECK(Elsewhere::vacated == messages + depth);
    Elsewhere::patience = 0;
    world.barrier();
  }

  TEST_CASE(
      "a remote channel keeps the order of small and large messages, and its memory is bounded") {
    test::require_ranks(2);
    Communicator world;
    for (std::size_t const elements : {std::size_t{0}, std::size_t{4}, std::size_t{300'000}}) {
      constexpr std::int64_t messages = 50;
      std::size_t const payload = elements * sizeof(double);
      if (world.rank() == 0) {
        RemoteOutbox outbox(world, 1, tag, {payload});
        for (std::int64_t j = 0; j < messages; ++j) {
          Message message = outbox.acquire();
          message.header().microbatch = j;
          for (double& value : message.payload<double>()) value = static_cast<double>(j);
          outbox.send(std::move(message));
        }
        while (!outbox.drained()) std::this_thread::yield();
        CHECK(outbox.bytes() <= messages * (payload + 64));
      } else {
        RemoteInbox inbox(world, 0, tag, {payload}, 3);
        for (std::int64_t j = 0; j < messages; ++j) {
          wait_for(inbox);
          Message message = inbox.receive();
          CHECK(message.header().microbatch == j);
          for (double const value : std::as_const(message).payload<double>())
            REQUIRE(value == static_cast<double>(j));
          inbox.give_back(std::move(message));
        }
        CHECK(inbox.bytes() == 4 * (payload + 64));  // three posted and the one being read
      }
      world.barrier();
    }
  }

  TEST_CASE("channels between two ranks do not mix") {
    test::require_ranks(2);
    Communicator world;
    int const other = 1 - world.rank();
    RemoteInbox first(world, other, tag + 1, {8}, 2);
    RemoteInbox second(world, other, tag + 2, {8}, 2);
    RemoteOutbox to_second(world, other, tag + 2, {8});
    RemoteOutbox to_first(world, other, tag + 1, {8});
    for (auto [outbox, number] : {std::pair{&to_second, 2}, std::pair{&to_first, 1}}) {
      Message message = outbox->acquire();
      message.header().microbatch = number;
      outbox->send(std::move(message));
    }
    wait_for(first);
    wait_for(second);
    CHECK(first.receive().header().microbatch == 1);
    CHECK(second.receive().header().microbatch == 2);
    while (!to_first.drained() || !to_second.drained()) std::this_thread::yield();
  }

  TEST_CASE(
      "messages can be looked at before they are received, and put there as if they had come") {
    test::require_ranks(2);
    Communicator world;
    constexpr std::int64_t messages = 7;
    if (world.rank() == 0) {
      RemoteOutbox outbox(world, 1, tag + 4, {8});
      for (std::int64_t j = 0; j < messages; ++j) {
        Message message = outbox.acquire();
        message.header().microbatch = j;
        outbox.send(std::move(message));
      }
      while (!outbox.drained()) std::this_thread::yield();
    } else {
      RemoteInbox inbox(world, 0, tag + 4, {8}, 2);
      while (!inbox.arrived(5)) std::this_thread::yield();
      for (std::int64_t i = 0; i < 5; ++i) CHECK(inbox.waiting(i).header().microbatch == i);
      for (std::int64_t j = 0; j < messages; ++j) {
        wait_for(inbox);
        CHECK(inbox.front().header().microbatch == j);
        inbox.give_back(inbox.receive());
      }
      Message restored = inbox.spare();
      restored.header().microbatch = 70;
      inbox.put(std::move(restored));
      CHECK(inbox.arrived());
      CHECK(inbox.receive().header().microbatch == 70);
    }
    world.barrier();
  }

  TEST_CASE("an alarm is heard by the other rank, with its place") {
    test::require_ranks(2);
    Communicator world;
    Alarm alarm(world);
    CHECK_FALSE(alarm.heard());
    world.barrier();
    if (world.rank() == 1) {
      alarm.ring(5, 77);
    } else {
      while (!alarm.heard()) std::this_thread::yield();
      CHECK(alarm.heard()->stage == 5);
      CHECK(alarm.heard()->microbatch == 77);
    }
    world.barrier();
  }

  TEST_CASE("a receive that is given up is cancelled, and its tag can be used again") {
    test::require_ranks(2);
    Communicator world;
    { RemoteInbox const unused(world, 1 - world.rank(), tag + 3, {64}, 4); }
    world.barrier();
    RemoteInbox inbox(world, 1 - world.rank(), tag + 3, {64}, 1);
    RemoteOutbox outbox(world, 1 - world.rank(), tag + 3, {64});
    outbox.send(outbox.acquire());
    wait_for(inbox);
    while (!outbox.drained()) std::this_thread::yield();
    CHECK(inbox.receive().header().microbatch == -1);
  }
}

TEST_CASE("in every round all ranks learn the largest of what each proposed") {
  Communicator world;
  Agreement agreement(world, 3);
  CHECK(agreement.done());
  constexpr std::int64_t rounds = 20;
  for (std::int64_t round = 0; round < rounds; ++round) {
    bool const mine = round % world.size() == world.rank();
    agreement.propose({mine ? round + 1 : 0, world.rank(), -world.rank(), -5});
    while (!agreement.done()) std::this_thread::yield();
    CHECK(agreement.largest() == Agreement::Values{round + 1, world.size() - 1, 0, -5});
  }
  if (world.rank() > 0) agreement.propose({});  // a round that never ends can be given up
  world.barrier();
}

TEST_CASE("a clock goes on from where another run's stood") {
  Communicator world;
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  SharedClock const clock(world, hour_ns);
  CHECK(clock.now_ns() >= hour_ns);
  CHECK(clock.now_ns() < 2 * hour_ns);
}

TEST_CASE("all ranks read one clock") {
  Communicator world;
  SharedClock const clock(world);
  std::int64_t const begin = clock.now_ns();
  CHECK(begin >= 0);
  std::int64_t const latest_begin = world.largest(begin);
  world.barrier();
  CHECK(clock.now_ns() >=
        latest_begin);  // after a barrier nobody is before anybody's earlier reading
}

TEST_CASE("workers are placed contiguously and evenly, and more ranks than workers are refused") {
  for (int ranks = 1; ranks <= 8; ++ranks) {
    for (int workers = ranks; workers <= 12; ++workers) {
      Placement const placement(workers, ranks);
      int next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        Part const hosted = placement.hosted(rank);
        CHECK(hosted.first == next);
        for (std::int64_t w = 0; w < hosted.size; ++w, ++next)
          CHECK(placement.rank_of(next) == rank);
      }
      CHECK(next == workers);
    }
  }
  CHECK_THROWS_WITH_AS(Placement(2, 3), doctest::Contains("at most 2 ranks"), UsageError);
}

}  // namespace
}  // namespace quartic::comm
