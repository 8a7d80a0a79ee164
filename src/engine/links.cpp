#include "quartic/engine/links.hpp"

#include <algorithm>
#include <utility>

#include "quartic/comm/tags.hpp"

namespace quartic::engine {
namespace {

enum Kind : int { activation, gradient, sweep, sweep_return, sum, mean, pinned, kinds };

/// Receives posted before they are needed: one is being read while the next arrives.
constexpr int passes_ahead = 2;
constexpr int rare_ahead = 1;

}  // namespace

Links::Links(comm::Communicator& communicator, Hosting const& hosting,
             std::vector<MessageBytes> const& bytes, Journey journey)
    : communicator_(communicator),
      hosting_(hosting),
      journey_(journey),
      seats_(static_cast<std::size_t>(hosting.pipelines() * hosting.stages())) {
  for (int pipeline = 0; pipeline < hosting.pipelines(); ++pipeline) {
    for (int stage = 0; stage < hosting.stages(); ++stage) {
      MessageBytes const of_stage = bytes[static_cast<std::size_t>(stage)];
      if (stage + 1 < hosting.stages()) connect_stages({pipeline, stage}, of_stage);
      if (pipeline + 1 < hosting.pipelines()) {
        connect_pipelines({pipeline, stage}, of_stage.weights);
      }
    }
  }
}

void Links::connect_stages(Seat lower, MessageBytes bytes) {
  Seat const upper{lower.pipeline, lower.stage + 1};
  Ends const activations = connect(lower, upper, activation, {bytes.pass}, passes_ahead);
  links(lower).activations_out = activations.out;
  links(upper).activations_in = activations.in;
  Ends const gradients = connect(upper, lower, gradient, {bytes.pass}, passes_ahead);
  links(upper).gradients_out = gradients.out;
  links(lower).gradients_in = gradients.in;
  if (lower.pipeline > 0) return;  // the objective is evaluated in the first pipeline
  comm::MessageLayout const swept{bytes.sweep, bytes.sweep_scores};
  Ends const sweeps = connect(lower, upper, sweep, swept, rare_ahead);
  links(lower).sweeps_out = sweeps.out;
  links(upper).sweeps_in = sweeps.in;
  Ends const returns = connect(upper, lower, sweep_return, swept, rare_ahead);
  links(upper).returns_out = returns.out;
  links(lower).returns_in = returns.in;
}

void Links::connect_pipelines(Seat first, std::size_t bytes) {
  Seat const second{first.pipeline + 1, first.stage};
  Ends const sums = connect(second, first, sum, {bytes}, rare_ahead);
  links(second).sums_out = sums.out;
  links(first).sums_in = sums.in;
  Ends const means = connect(first, second, mean, {bytes}, rare_ahead);
  links(first).means_out = means.out;
  links(second).means_in = means.in;
  Ends const pins = connect(second, first, pinned, {bytes}, rare_ahead);
  links(second).pins_out = pins.out;
  links(first).pins_in = pins.in;
}

/// The ends of a channel that this rank holds: both, one or none.
Links::Ends Links::connect(Seat from, Seat to, int kind, comm::MessageLayout layout,
                           int posted_ahead) {
  int const here = communicator_.rank();
  int const sender = hosting_.rank_of(from);
  int const receiver = hosting_.rank_of(to);
  layout.make_payload = make_payload(sender != receiver, journey_);
  int const tag = comm::Tag::channels + kinds * static_cast<int>(hosting_.index_of(from)) + kind;
  if (sender == here && receiver == here) {
    auto& channel = local_.emplace_back(std::make_unique<comm::LocalChannel>(layout));
    return {channel.get(), channel.get()};
  }
  if (sender == here) {
    auto box =
        std::make_unique<comm::RemoteOutbox>(communicator_, receiver, tag, layout, kind == pinned);
    return {outboxes_.emplace_back(std::move(box)).get(), nullptr};
  }
  if (receiver == here) {
    auto box =
        std::make_unique<comm::RemoteInbox>(communicator_, sender, tag, layout, posted_ahead);
    return {nullptr, inboxes_.emplace_back(std::move(box)).get()};
  }
  return {nullptr, nullptr};
}

void Links::progress() {
  for (auto& outbox : outboxes_) outbox->progress();
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
