#include "quartic/engine/watchdog.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "quartic/comm/tags.hpp"
#include "quartic/core/check.hpp"

namespace quartic::engine {
namespace {

/// Until a wait is worth a look at the others.
constexpr std::int64_t short_wait_ns = 500'000'000;
/// That those who wait too have to say so.
constexpr std::int64_t answer_ns = 2'000'000'000;

enum Field : std::size_t { from, still_waits, kind, stage, microbatch, host, fields };

comm::Message empty_message() {
  return comm::Message(fields * sizeof(std::int64_t));
}

}  // namespace

Watchdog::Watchdog(comm::Communicator& communicator, std::int64_t patience_ns,
                   std::vector<plan::Action> const& planned)
    : communicator_(communicator),
      patience_ns_(communicator.size() > 1 ? patience_ns : 0),
      planned_(planned) {
  if (patience_ns_ > 0)
    posted_ = communicator.receive_from_anyone(empty_message(), comm::Tag::watchdog);
}

void Watchdog::waits(Wait const& wait, std::int64_t since_ns, std::int64_t now_ns) {
  if (patience_ns_ == 0 || now_ns - since_ns < short_wait_ns) return;
  listen(now_ns);
  std::int64_t const waited_ns = now_ns - std::max(since_ns, worked_ns_);
  bool const told = waiting_.contains(communicator_.rank());
  bool const asked = !waiting_.empty() && waited_ns >= short_wait_ns;
  if (!told && (waited_ns > patience_ns_ || asked)) tell(true, wait);
  bool const first = !waiting_.empty() && waiting_.begin()->first == communicator_.rank();
  if (first && waited_ns > patience_ns_ + answer_ns) throw Failure(verdict(waited_ns));
}

void Watchdog::goes_on() {
  if (waiting_.erase(communicator_.rank()) > 0) tell(false, {});
}

void Watchdog::works(std::int64_t now_ns) {
  if (patience_ns_ == 0) return;
  bool const lately = now_ns - worked_ns_ < short_wait_ns;
  bool const said_to_wait = waiting_.erase(communicator_.rank()) > 0;
  if (lately && !said_to_wait) return;
  listen(now_ns);
  worked_ns_ = now_ns;
  if (said_to_wait || !waiting_.empty()) tell(false, {});
}

void Watchdog::tell(bool waits, Wait const& wait) {
  int const own = communicator_.rank();
  if (waits) waiting_[own] = wait;
  std::erase_if(sent_, [](comm::Transfer& transfer) { return transfer.done(); });
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    if (rank == own) continue;
    comm::Message message = empty_message();
    auto const values = message.payload<std::int64_t>();
    values[from] = own;
    values[still_waits] = waits ? 1 : 0;
    values[kind] = static_cast<std::int64_t>(wait.action.kind);
    values[stage] = wait.action.stage;
    values[microbatch] = wait.action.microbatch;
    values[host] = wait.rank;
    sent_.push_back(communicator_.send(std::move(message), rank, comm::Tag::watchdog));
  }
}

void Watchdog::listen(std::int64_t now_ns) {
  while (posted_.done()) {
    comm::Message const message = posted_.take();
    auto const values = message.payload<std::int64_t>();
    int const rank = static_cast<int>(values[from]);
    waiting_.erase(rank);
    if (values[still_waits] == 0) {
      worked_ns_ = now_ns;
    } else {
      waiting_[rank] = {{static_cast<plan::Kind>(values[kind]), static_cast<int>(values[stage]),
                         values[microbatch]},
                        static_cast<int>(values[host])};
    }
    posted_ = communicator_.receive_from_anyone(empty_message(), comm::Tag::watchdog);
  }
}

/// What others wait for there: an action whose message they need, or, where all meet, the last one
/// that comes before.
std::string Watchdog::owed_by(int rank) const {
  for (auto const& [other, wait] : waiting_) {
    if (wait.rank != rank || wait.action.kind == plan::Kind::wait) continue;
    return fmt::format("rank {} waits for rank {} to run {} of stage {}", other, rank,
                       plan::to_text(wait.action), wait.action.stage);
  }
  plan::Action const& last = planned_[static_cast<std::size_t>(rank)];
  if (last.kind == plan::Kind::wait) return "";
  return fmt::format("all ranks meet after rank {} has run {} of stage {}", rank,
                     plan::to_text(last), last.stage);
}

/// Who holds up the run, and with what.
std::string Watchdog::verdict(std::int64_t waited_ns) const {
  constexpr double ns_a_second = 1e9;
  std::vector<int> silent;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    if (!waiting_.contains(rank)) silent.push_back(rank);
  }
  std::vector<std::string> actions;
  for (int const rank : silent) {
    std::string const owed = owed_by(rank);
    if (!owed.empty()) actions.push_back(owed);
  }
  std::string const who = silent.empty()
                              ? std::string("every rank reports that it is waiting")
                              : fmt::format("rank {} does not answer", fmt::join(silent, ", "));
  return fmt::format("no progress for {:.0f} s (--patience): {}{}{}",
                     static_cast<double>(waited_ns) / ns_a_second, who, actions.empty() ? "" : "; ",
                     fmt::join(actions, "; "));
}

}  // namespace quartic::engine
