#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <vector>

#include "quartic/plan/action.hpp"

namespace quartic::plan {

/// A fixed set of timers as a tournament tree: set in O(log n), the earliest in O(1), and among
/// equals the lowest index first, which is the order of stages that start at one time.
class EarliestFirst {
 public:
  static constexpr Ticks never = std::numeric_limits<Ticks>::max();

  explicit EarliestFirst(int timers)
      : leaves_(std::bit_ceil(static_cast<std::size_t>(std::max(timers, 1)))),
        nodes_(2 * leaves_, never) {}

  Ticks time() const { return nodes_[1]; }
  Ticks time_of(int timer) const { return nodes_[leaves_ + static_cast<std::size_t>(timer)]; }

  int earliest() const {
    std::size_t node = 1;
    while (node < leaves_) {
      node *= 2;
      if (nodes_[node] != nodes_[1]) ++node;
    }
    return static_cast<int>(node - leaves_);
  }

  void set(int timer, Ticks time) {
    std::size_t node = leaves_ + static_cast<std::size_t>(timer);
    nodes_[node] = time;
    for (node /= 2; node >= 1; node /= 2) {
      Ticks const smaller = std::min(nodes_[2 * node], nodes_[2 * node + 1]);
      if (nodes_[node] == smaller) return;
      nodes_[node] = smaller;
    }
  }

 private:
  std::size_t leaves_;
  std::vector<Ticks> nodes_;
};

}  // namespace quartic::plan
