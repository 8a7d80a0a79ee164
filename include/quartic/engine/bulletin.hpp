#pragma once

#include <memory>

#include "quartic/comm/channel.hpp"
#include "quartic/engine/watcher.hpp"

namespace quartic::engine {

/// Brings the losses and evaluations of the first pipeline from the rank that measures them to the
/// watcher on rank 0, a few times a second. It never makes a rank wait.
class Bulletin {
 public:
  /// Every rank. `source`: the rank of the last stage. `watcher`: rank 0's; nullptr: none, on every
  /// rank.
  Bulletin(comm::Communicator& communicator, int source, Watcher* watcher);

  /// On the rank that measures it.
  void loss(double value, std::int64_t wall_ns);
  void objective(ObjectiveRow const& row) { tell({Kind::objective, 0, row}); }
  void validation(ObjectiveRow const& row) { tell({Kind::validation, 0, row}); }
  /// Hands over what has arrived; while ranks compute or wait.
  void progress();
  /// Nothing more is told.
  void close();
  /// Whether everything has been handed over, on rank 0, or has left, elsewhere.
  bool done();

 private:
  enum class Kind : std::int64_t { losses, objective, validation, end };
  struct Item {
    Kind kind = Kind::losses;
    std::int64_t count = 0;  // of losses; `row.value` is their sum
    ObjectiveRow row;
  };
  void tell(Item const& item);
  void tell_losses();
  void hand_over(Item const& item);

  Watcher* watcher_;
  bool measures_;
  bool closed_ = false;
  bool ended_ = false;  // at rank 0: the source has closed
  double sum_ = 0;
  std::int64_t count_ = 0;
  std::int64_t told_ns_ = -1;
  std::unique_ptr<comm::RemoteOutbox> out_;
  std::unique_ptr<comm::RemoteInbox> in_;
};

}  // namespace quartic::engine
