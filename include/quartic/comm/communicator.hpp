#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "quartic/comm/message.hpp"
#include "quartic/core/check.hpp"

namespace quartic::comm {

/// The requests of one message: of its pieces, of which nearly every message has one or two, which
/// takes no memory beside.
class Requests {
 public:
  /// For one more request, which is null until a call has filled it.
  MPI_Request& add();
  bool are_done() const;
  /// Calls visit(request) for each that is not done, in order.
  template <class Visit>
  void for_pending(Visit visit) {
    for (MPI_Request& request : few_)
      if (request != MPI_REQUEST_NULL) visit(request);
    for (MPI_Request& request : more_)
      if (request != MPI_REQUEST_NULL) visit(request);
  }

 private:
  std::array<MPI_Request, 2> few_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::size_t count_ = 0;
  std::vector<MPI_Request> more_;
};

/// A nonblocking send or receive. It owns its message from the call until it is done, so a buffer
/// in flight cannot be touched.
class [[nodiscard]] Transfer {
 public:
  Transfer() = default;
  Transfer(Transfer&& other) noexcept;
  Transfer& operator=(Transfer&& other) noexcept;
  Transfer(Transfer const&) = delete;
  Transfer& operator=(Transfer const&) = delete;
  /// A receive that is not done is cancelled; the memory of a send that is not done is given up,
  /// because MPI may still read it.
  ~Transfer();

  /// Whether it is done; makes progress on every transfer of this rank.
  bool done();
  /// The message of a transfer that is done: to look at, or to have.
  Message const& message() const;
  Message take();

 private:
  friend class Communicator;
  Transfer(Message message, Requests requests, bool receives);
  bool is_done() const { return requests_.are_done(); }
  void abandon() noexcept;

  Message message_;
  Requests requests_;
  bool receives_ = false;
};

/// The ranks of this job: MPI's world under a launcher, one rank without MPI otherwise (so a
/// program started by hand does not pay for MPI's start-up). Construct once, in main, before any
/// other use; the destructor ends MPI. Every call returns or throws Failure with the call's name.
class Communicator {
 public:
  Communicator();
  ~Communicator();
  Communicator(Communicator const&) = delete;
  Communicator& operator=(Communicator const&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Whether a launcher has started this rank, and MPI with it.
  bool has_launcher() const { return comm_ != MPI_COMM_NULL; }
  /// Ranks of this job on this rank's node.
  int ranks_on_node() const { return ranks_on_node_; }
  /// "Open MPI v4.1.4 …", or "none" where MPI was not started.
  std::string description() const;
  /// Whether this MPI says that it reads and writes a GPU's memory.
  static bool is_gpu_aware();
  /// The name of this rank's node.
  static std::string host();
  /// The most bytes that one call of MPI's carries; a longer message travels in pieces of so many.
  /// The same on every rank. For tests: MPI itself counts in ints.
  void set_largest_piece(std::size_t bytes);

  /// Point to point, nonblocking; messages between two ranks with one tag arrive in order. Both
  /// sides must agree on whether the payload lies elsewhere.
  Transfer send(Message message, int to, int tag);
  /// The same, but done only once the message is being received.
  Transfer send_until_received(Message message, int to, int tag);
  Transfer receive(Message message, int from, int tag);
  /// Here, as with the blocking ones, the payload lies in the host's memory; one piece at most.
  Transfer receive_from_anyone(Message message, int tag);
  /// Blocking, for set-up and tests.
  void send_now(Message message, int to, int tag);
  Message receive_now(Message message, int from, int tag);

  /// Collective: every rank calls.
  void barrier();
  std::int64_t largest(std::int64_t value);
  std::string broadcast(std::string const& text, int from);
  /// Texts of all ranks, in order, on every rank.
  std::vector<std::string> gather(std::string const& text);

  /// Ends the whole job now.
  [[noreturn]] void abort(int exit_code);

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  bool starts_mpi_ = false;
  int rank_ = 0;
  int size_ = 1;
  int ranks_on_node_ = 1;
  std::size_t largest_piece_ = std::size_t{1} << 30;
};

/// Another rank's Failure, thrown where it did not happen, so that it is reported once.
struct FailedElsewhere : Failure {
  using Failure::Failure;
};

/// Collective. Runs `step` on every rank; when it fails on some, every rank throws the error of the
/// lowest such rank, with the same text: so no rank goes on alone, and none hangs. Other ranks
/// throw a Failure as FailedElsewhere.
///
///   rank 0: step returns           -> throws UsageError("data.h5: missing")
///   rank 1: step throws UsageError -> throws UsageError("data.h5: missing")
void agree(Communicator& communicator, std::function<void()> const& step);

/// Collective. UsageError on every rank when `text` differs between ranks; `what` names it.
void require_equal(Communicator& communicator, std::string const& what, std::string const& text);

}  // namespace quartic::comm
