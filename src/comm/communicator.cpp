#include "quartic/comm/communicator.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::comm {
namespace {

void check(int code, char const* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  failure("{}: {}", call, text.data());
}

int bytes_of(Message const& message) {
  return static_cast<int>(message.size());
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

Transfer::Transfer(Message message, MPI_Request request, bool receives)
    : message_(std::move(message)), request_(request), receives_(receives) {}

Transfer::Transfer(Transfer&& other) noexcept
    : message_(std::move(other.message_)),
      request_(std::exchange(other.request_, MPI_REQUEST_NULL)),
      receives_(other.receives_) {}

Transfer& Transfer::operator=(Transfer&& other) noexcept {
  if (this != &other) {
    abandon();
    message_ = std::move(other.message_);
    request_ = std::exchange(other.request_, MPI_REQUEST_NULL);
    receives_ = other.receives_;
  }
  return *this;
}

Transfer::~Transfer() {
  abandon();
}

void Transfer::abandon() noexcept {
  if (request_ == MPI_REQUEST_NULL) return;
  int finished = 0;
  MPI_Test(&request_, &finished, MPI_STATUS_IGNORE);
  if (finished != 0) return;
  if (receives_) {
    MPI_Cancel(&request_);
    MPI_Wait(&request_, MPI_STATUS_IGNORE);
  } else {
    MPI_Request_free(&request_);
    static_cast<void>(new Message(std::move(message_)));  // MPI may still read it: never freed
  }
}

bool Transfer::done() {
  if (request_ == MPI_REQUEST_NULL) return true;
  int finished = 0;
  check(MPI_Test(&request_, &finished, MPI_STATUS_IGNORE), "MPI_Test");
  return finished != 0;
}

Message const& Transfer::message() const {
  QUARTIC_ASSERT(request_ == MPI_REQUEST_NULL);
  return message_;
}

Message Transfer::take() {
  QUARTIC_ASSERT(request_ == MPI_REQUEST_NULL);
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

std::string Communicator::host() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) failure("gethostname failed");
  return name.data();
}

Transfer Communicator::send(Message message, int to, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Isend(message.data(), bytes_of(message), MPI_BYTE, to, tag, comm_, &request),
        "MPI_Isend");
  return {std::move(message), request, false};
}

Transfer Communicator::send_until_received(Message message, int to, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Issend(message.data(), bytes_of(message), MPI_BYTE, to, tag, comm_, &request),
        "MPI_Issend");
  return {std::move(message), request, false};
}

Transfer Communicator::receive(Message message, int from, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Irecv(message.data(), bytes_of(message), MPI_BYTE, from, tag, comm_, &request),
        "MPI_Irecv");
  return {std::move(message), request, true};
}

Transfer Communicator::receive_from_anyone(Message message, int tag) {
  return receive(std::move(message), MPI_ANY_SOURCE, tag);
}

void Communicator::send_now(Message message, int to, int tag) {
  check(MPI_Send(message.data(), bytes_of(message), MPI_BYTE, to, tag, comm_), "MPI_Send");
}

Message Communicator::receive_now(Message message, int from, int tag) {
  check(MPI_Recv(message.data(), bytes_of(message), MPI_BYTE, from, tag, comm_, MPI_STATUS_IGNORE),
        "MPI_Recv");
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
  check(MPI_Bcast(copy.data(), static_cast<int>(length), MPI_CHAR, from, comm_), "MPI_Bcast");
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
      usage_error(
          "{} differs between rank 0 and rank {}; every rank must be started with the same one",
          what, communicator.rank());
    }
  });
}

}  // namespace quartic::comm
