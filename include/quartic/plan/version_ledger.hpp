#pragma once

#include <cstdint>

#include "quartic/core/indexed_ring.hpp"

namespace quartic::plan {

/// Which versions of one stage's weights are alive: the live one, and those that a pass holds until
/// it has read them. The planner counts with it, the weight store attaches memory to it.
class VersionLedger {
 public:
  VersionLedger() { holders_.push(0); }

  std::int64_t live() const { return holders_.end() - 1; }
  /// Versions alive: the weight copies of the stage.
  std::int32_t copies() const { return held_ + (live_is_held() ? 0 : 1); }
  bool live_is_held() const { return holders_.back() > 0; }

  void hold(std::int64_t version) {
    if (holders_[version]++ == 0) ++held_;
  }
  /// Whether the version died.
  bool release(std::int64_t version) {
    QUARTIC_ASSERT(holders_[version] > 0);
    if (--holders_[version] > 0) return false;
    --held_;
    bool const died = version != live();
    forget_dead();
    return died;
  }
  /// An update: version live() + 1 becomes the live one.
  void advance() {
    holders_.push(0);
    forget_dead();
  }

 private:
  void forget_dead() {
    while (holders_.size() > 1 && holders_.front() == 0) holders_.pop();
  }

  IndexedRing<std::int32_t> holders_;  // by version, from the oldest alive
  std::int32_t held_ = 0;
};

}  // namespace quartic::plan
