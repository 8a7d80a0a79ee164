#include "quartic/comm/communicator.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <span>
#include <utility>

#include "quartic/core/check.hpp"

// An extension of Open MPI's; null where the MPI has none.
extern "C" [[gnu::weak]] int MPIX_Query_cuda_support();  // NOLINT: its name

namespace quartic::comm {
namespace {

void check(int code, char const* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  failure("{}: {}", call, text.data());
}

/// A number of elements as MPI takes it.
int mpi_count(std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    failure("one MPI call cannot transfer {} elements; at most 2147483647", count);
  return static_cast<int>(count);
}

/// Calls visit(first, count) for the pieces of `bytes`, of at most `largest` each, in order. MPI
/// keeps that order between two ranks, so the pieces of several messages do not mix.
template <class Byte, class Visit>
void for_pieces(std::span<Byte> bytes, std::size_t largest, Visit visit) {
  while (!bytes.empty()) {
    auto const piece = bytes.first(std::min(bytes.size(), largest));
    visit(piece.data(), mpi_count(piece.size()));
    bytes = bytes.subspan(piece.size());
  }
}

/// call(memory, bytes, MPI_BYTE, other, tag, communicator, request) for each piece of the message.
template <class Call>
Requests start(char const* name, Call call, Message& message, std::size_t largest, int other,
               int tag, MPI_Comm communicator) {
  Requests requests;
  for (std::span<std::byte> const part : {message.first_piece(), message.second_piece()}) {
    for_pieces(part, largest, [&](std::byte* first, int bytes) {
      check(call(first, bytes, MPI_BYTE, other, tag, communicator, &requests.add()), name);
    });
  }
  return requests;
}

/// Launchers tell their processes so in the environment (Open MPI's mpirun; srun with PMIx or
/// PMI2).
bool started_by_launcher() {
  for (char const* const name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

}  // namespace

MPI_Request& Requests::add() {
  if (count_ < few_.size()) return few_[count_++];
  return more_.emplace_back(MPI_REQUEST_NULL);
}

bool Requests::are_done() const {
  auto const is_null = [](MPI_Request request) { return request == MPI_REQUEST_NULL; };
  return std::ranges::all_of(few_, is_null) && std::ranges::all_of(more_, is_null);
}

Transfer::Transfer(Message message, Requests requests, bool receives)
    : message_(std::move(message)), requests_(std::move(requests)), receives_(receives) {}

Transfer::Transfer(Transfer&& other) noexcept
    : message_(std::move(other.message_)),
      requests_(std::exchange(other.requests_, {})),
      receives_(other.receives_) {}

Transfer& Transfer::operator=(Transfer&& other) noexcept {
  if (this != &other) {
    abandon();
    message_ = std::move(other.message_);
    requests_ = std::exchange(other.requests_, {});
    receives_ = other.receives_;
  }
  return *this;
}

Transfer::~Transfer() {
  abandon();
}

void Transfer::abandon() noexcept {
  bool given_up = false;
  requests_.for_pending([&](MPI_Request& request) {
    int finished = 0;
    MPI_Test(&request, &finished, MPI_STATUS_IGNORE);
    if (finished != 0) return;
    if (receives_) {
      MPI_Cancel(&request);
      MPI_Wait(&request, MPI_STATUS_IGNORE);
    } else {
      MPI_Request_free(&request);
      given_up = true;
    }
  });
  // MPI may still read it: never freed.
  if (given_up) static_cast<void>(new Message(std::move(message_)));
}

bool Transfer::done() {
  requests_.for_pending([](MPI_Request& request) {
    int finished = 0;
    check(MPI_Test(&request, &finished, MPI_STATUS_IGNORE), "MPI_Test");
  });
  return is_done();
}

Message const& Transfer::message() const {
  QUARTIC_ASSERT(is_done());
  return message_;
}

Message Transfer::take() {
  QUARTIC_ASSERT(is_done());
  return std::move(message_);
}

Communicator::Communicator() {
  if (!started_by_launcher()) return;
  int started = 0;
  MPI_Initialized(&started);
  starts_mpi_ = started == 0;
  if (starts_mpi_) check(MPI_Init(nullptr, nullptr), "MPI_Init");
  check(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  MPI_Comm node = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
        "MPI_Comm_split_type");
  check(MPI_Comm_size(node, &ranks_on_node_), "MPI_Comm_size");
  check(MPI_Comm_free(&node), "MPI_Comm_free");
}

Communicator::~Communicator() {
  if (comm_ == MPI_COMM_NULL) return;
  MPI_Comm_free(&comm_);
  if (starts_mpi_) MPI_Finalize();
}

std::string Communicator::description() const {
  if (comm_ == MPI_COMM_NULL) return "none";
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  std::string const all(text.data());
  return all.substr(0, all.find(','));
}

bool Communicator::is_gpu_aware() {
  return MPIX_Query_cuda_support != nullptr && MPIX_Query_cuda_support() != 0;
}

std::string Communicator::host() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) failure("gethostname failed");
  return name.data();
}

void Communicator::set_largest_piece(std::size_t bytes) {
  QUARTIC_ASSERT(bytes > 0);
  largest_piece_ = bytes;
}

Transfer Communicator::send(Message message, int to, int tag) {
  Requests requests = start("MPI_Isend", MPI_Isend, message, largest_piece_, to, tag, comm_);
  return {std::move(message), std::move(requests), false};
}

Transfer Communicator::send_until_received(Message message, int to, int tag) {
  Requests requests = start("MPI_Issend", MPI_Issend, message, largest_piece_, to, tag, comm_);
  return {std::move(message), std::move(requests), false};
}

Transfer Communicator::receive(Message message, int from, int tag) {
  Requests requests = start("MPI_Irecv", MPI_Irecv, message, largest_piece_, from, tag, comm_);
  return {std::move(message), std::move(requests), true};
}

Transfer Communicator::receive_from_anyone(Message message, int tag) {
  QUARTIC_ASSERT(message.size() <= largest_piece_);  // pieces of several senders would mix
  return receive(std::move(message), MPI_ANY_SOURCE, tag);
}

void Communicator::send_now(Message message, int to, int tag) {
  for_pieces(message.first_piece(), largest_piece_, [&](std::byte* first, int bytes) {
    check(MPI_Send(first, bytes, MPI_BYTE, to, tag, comm_), "MPI_Send");
  });
}

Message Communicator::receive_now(Message message, int from, int tag) {
  for_pieces(message.first_piece(), largest_piece_, [&](std::byte* first, int bytes) {
    check(MPI_Recv(first, bytes, MPI_BYTE, from, tag, comm_, MPI_STATUS_IGNORE), "MPI_Recv");
  });
  return message;
}

void Communicator::barrier() {
  if (size_ > 1) check(MPI_Barrier(comm_), "MPI_Barrier");
}

std::int64_t Communicator::largest(std::int64_t value) {
  if (size_ > 1) {
    check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, comm_), "MPI_Allreduce");
  }
  return value;
}

std::string Communicator::broadcast(std::string const& text, int from) {
  if (size_ == 1) return text;
  auto length = static_cast<std::int64_t>(text.size());
  check(MPI_Bcast(&length, 1, MPI_INT64_T, from, comm_), "MPI_Bcast");
  std::string copy = rank_ == from ? text : std::string(static_cast<std::size_t>(length), '\0');
  for_pieces(std::span(copy), largest_piece_, [&](char* first, int bytes) {
    check(MPI_Bcast(first, bytes, MPI_CHAR, from, comm_), "MPI_Bcast");
  });
  return copy;
}

std::vector<std::string> Communicator::gather(std::string const& text) {
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(size_));
  for (int from = 0; from < size_; ++from) texts.push_back(broadcast(text, from));
  return texts;
}

void Communicator::abort(int exit_code) {
  if (comm_ != MPI_COMM_NULL) MPI_Abort(comm_, exit_code);
  std::_Exit(exit_code);
}

namespace {

enum ErrorKind : std::int64_t { none = 0, usage = 1, broken = 2 };

}  // namespace

void agree(Communicator& communicator, std::function<void()> const& step) {
  std::int64_t kind = none;
  std::string text;
  try {
    step();
  } catch (UsageError const& error) {
    kind = usage;
    text = error.what();
  } catch (std::exception const& error) {
    kind = broken;
    text = error.what();
  }
  // The lowest failing rank wins: the largest of (size - rank) among those that failed.
  std::int64_t const mine = kind == none ? 0 : communicator.size() - communicator.rank();
  std::int64_t const winner = communicator.largest(mine);
  if (winner == 0) return;
  int const from = communicator.size() - static_cast<int>(winner);
  std::int64_t const error_kind = communicator.largest(communicator.rank() == from ? kind : none);
  std::string const first_text = communicator.broadcast(text, from);
  if (error_kind == usage) throw UsageError(first_text);
  if (communicator.rank() == from) throw Failure(first_text);
  throw FailedElsewhere(first_text);
}

void require_equal(Communicator& communicator, std::string const& what, std::string const& text) {
  std::string const first = communicator.broadcast(text, 0);
  agree(communicator, [&] {
    if (text != first) {
      usage_error("{} differs between rank 0 and rank {}; it must be the same on every rank", what,
                  communicator.rank());
    }
  });
}

}  // namespace quartic::comm
