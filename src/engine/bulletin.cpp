#include "quartic/engine/bulletin.hpp"

#include <cstring>
#include <utility>

#include "quartic/comm/tags.hpp"

namespace quartic::engine {
namespace {

/// Between two messages about losses.
constexpr std::int64_t period_ns = 200'000'000;
constexpr int posted_ahead = 2;

}  // namespace

Bulletin::Bulletin(comm::Communicator& communicator, int source, Watcher* watcher)
    : watcher_(watcher), measures_(communicator.rank() == source) {
  comm::MessageLayout const layout{sizeof(Item)};
  if (source == 0) return;
  if (measures_)
    out_ = std::make_unique<comm::RemoteOutbox>(communicator, 0, comm::Tag::bulletin, layout);
  if (communicator.rank() == 0)
    in_ = std::make_unique<comm::RemoteInbox>(communicator, source, comm::Tag::bulletin, layout,
                                              posted_ahead);
}

void Bulletin::loss(double value, std::int64_t wall_ns) {
  sum_ += value;
  ++count_;
  if (told_ns_ >= 0 && wall_ns - told_ns_ < period_ns) return;
  told_ns_ = wall_ns;
  tell_losses();
}

void Bulletin::tell_losses() {
  if (count_ == 0) return;
  Item item{Kind::losses, count_, {}};
  item.row.value = sum_;
  sum_ = 0;
  count_ = 0;
  tell(item);
}

void Bulletin::tell(Item const& item) {
  if (!out_) return hand_over(item);
  comm::Message message = out_->acquire();
  std::memcpy(message.payload<std::byte>().data(), &item, sizeof item);
  out_->send(std::move(message));
}

void Bulletin::progress() {
  if (out_) out_->progress();
  while (in_ && in_->arrived()) {
    comm::Message message = in_->receive();
    Item item;
    std::memcpy(&item, message.payload<std::byte>().data(), sizeof item);
    in_->give_back(std::move(message));
    hand_over(item);
  }
}

void Bulletin::hand_over(Item const& item) {
  switch (item.kind) {
    case Kind::losses:
      if (watcher_ != nullptr) watcher_->losses(item.row.value, item.count);
      break;
    case Kind::objective:
      if (watcher_ != nullptr) watcher_->objective(item.row);
      break;
    case Kind::validation:
      if (watcher_ != nullptr) watcher_->validation(item.row);
      break;
    case Kind::end:
      ended_ = true;
      break;
  }
}

void Bulletin::close() {
  if (!measures_ || closed_) return;
  closed_ = true;
  tell_losses();
  tell({Kind::end, 0, {}});
}

bool Bulletin::done() {
  progress();
  if (out_) return out_->drained();
  return !in_ || ended_;
}

}  // namespace quartic::engine
