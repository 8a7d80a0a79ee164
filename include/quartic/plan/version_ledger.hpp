#pragma once

#include <cstdint>

#include "quartic/core/indexed_ring.hpp"

namespace quartic::plan {

/// Which versions of one stage's weights are alive: all from the oldest that a pass to come may
/// read up to the live one, and older ones that a pass holds until it has read them. The planner
/// counts with it, the weight store attaches memory to it.
class VersionLedger {
 public:
  VersionLedger() { holders_.push(0); }
  /// Restores a ledger: `holders` by version, from `oldest` up to the live one.
  template <class Counts>
  VersionLedger(std::int64_t oldest, std::int64_t floor, Counts const& holders)
      : holders_(oldest), floor_(floor) {
    for (auto const count : holders) {
      if (holders_.end() < floor && count > 0) ++held_below_;
      holders_.push(static_cast<std::int32_t>(count));
    }
  }

  std::int64_t live() const { return holders_.end() - 1; }
  /// The oldest alive, and the oldest that is alive whether anybody holds it or not.
  std::int64_t oldest() const { return holders_.first(); }
  std::int64_t floor() const { return floor_; }
  std::int32_t holders(std::int64_t version) const { return holders_[version]; }
  /// Versions alive: the weight copies of the stage.
  std::int32_t copies() const {
    return held_below_ + static_cast<std::int32_t>(holders_.end() - floor_);
  }
  bool alive(std::int64_t version) const {
    return (version >= floor_ && version <= live()) ||
           (holders_.contains(version) && holders_[version] > 0);
  }

  void hold(std::int64_t version) {
    QUARTIC_ASSERT(alive(version));
    ++holders_[version];
  }
  /// Whether the version died.
  bool release(std::int64_t version) {
    QUARTIC_ASSERT(holders_[version] > 0);
    if (--holders_[version] > 0 || version >= floor_) return false;
    --held_below_;
    forget_dead();
    return true;
  }
  /// An update: version live() + 1 becomes the live one.
  void advance() { holders_.push(0); }
  /// Versions below `floor` are needed only by those who hold them; calls died(version) for each
  /// that nobody does.
  template <class Died>
  void keep_from(std::int64_t floor, Died died) {
    QUARTIC_ASSERT(floor <= live());
    for (; floor_ < floor; ++floor_) {
      if (holders_[floor_] > 0) {
        ++held_below_;
      } else {
        died(floor_);
      }
    }
    forget_dead();
  }
  /// Whether the live version dies with the next update, if versions below `floor` are given up.
  bool live_dies(std::int64_t floor) const { return floor > live() && holders_.back() == 0; }

 private:
  void forget_dead() {
    while (holders_.first() < floor_ && holders_.front() == 0) holders_.pop();
  }

  IndexedRing<std::int32_t> holders_;  // by version, from the oldest alive
  std::int64_t floor_ = 0;
  std::int32_t held_below_ = 0;
};

}  // namespace quartic::plan
