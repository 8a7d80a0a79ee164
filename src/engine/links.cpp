#include "quartic/engine/links.hpp"

#include <algorithm>

namespace quartic::engine {
namespace {

enum Kind : int { activation = 0, gradient = 1, sweep = 2, sweep_return = 3 };

/// Tags below belong to comm (alarm, clock).
constexpr int first_tag = 16;
int tag_of(int from_stage, int kind) {
  return first_tag + 4 * from_stage + kind;
}

/// Receives posted before they are needed: one is being read while the next arrives.
constexpr int passes_ahead = 2;
constexpr int sweeps_ahead = 1;

}  // namespace

Links::Links(comm::Communicator& communicator, comm::Placement const& placement, int workers,
             std::vector<BoundaryBytes> const& boundaries)
    : communicator_(communicator),
      placement_(placement),
      workers_(workers),
      stages_(boundaries.size() + 1) {
  for (int s = 0; s < static_cast<int>(boundaries.size()); ++s) {
    auto const [pass, sweep_bytes] = boundaries[static_cast<std::size_t>(s)];
    StageLinks& lower = stages_[static_cast<std::size_t>(s)];
    StageLinks& upper = stages_[static_cast<std::size_t>(s) + 1];
    Ends const activations = connect(s, s + 1, activation, pass, passes_ahead);
    lower.activations_out = activations.out;
    upper.activations_in = activations.in;
    Ends const gradients = connect(s + 1, s, gradient, pass, passes_ahead);
    upper.gradients_out = gradients.out;
    lower.gradients_in = gradients.in;
    Ends const sweeps = connect(s, s + 1, sweep, sweep_bytes, sweeps_ahead);
    lower.sweeps_out = sweeps.out;
    upper.sweeps_in = sweeps.in;
    Ends const returns = connect(s + 1, s, sweep_return, sweep_bytes, sweeps_ahead);
    upper.returns_out = returns.out;
    lower.returns_in = returns.in;
  }
}

/// The ends of a channel that this rank holds: both, one or none.
Links::Ends Links::connect(int from_stage, int to_stage, int kind, std::size_t bytes,
                           int posted_ahead) {
  int const here = communicator_.rank();
  int const from = placement_.rank_of(from_stage % workers_);
  int const to = placement_.rank_of(to_stage % workers_);
  int const tag = tag_of(from_stage, kind);
  if (from == here && to == here) {
    auto& channel = local_.emplace_back(std::make_unique<comm::LocalChannel>(bytes));
    return {channel.get(), channel.get()};
  }
  if (from == here) {
    return {
        outboxes_.emplace_back(std::make_unique<comm::RemoteOutbox>(communicator_, to, tag, bytes))
            .get(),
        nullptr};
  }
  if (to == here) {
    return {nullptr, inboxes_
                         .emplace_back(std::make_unique<comm::RemoteInbox>(communicator_, from, tag,
                                                                           bytes, posted_ahead))
                         .get()};
  }
  return {nullptr, nullptr};
}

bool Links::drained() {
  return std::all_of(outboxes_.begin(), outboxes_.end(),
                     [](auto const& box) { return box->drained(); });
}

std::size_t Links::bytes() const {
  std::size_t sum = 0;
  for (auto const& channel : local_) sum += channel->bytes();
  for (auto const& outbox : outboxes_) sum += outbox->bytes();
  for (auto const& inbox : inboxes_) sum += inbox->bytes();
  return sum;
}

}  // namespace quartic::engine
