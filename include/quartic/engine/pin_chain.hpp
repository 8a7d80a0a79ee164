#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/links.hpp"

namespace quartic::engine {

/// At a cut every pipeline pins its copy of a stage, and the first one evaluates their mean. This
/// is the part of a stage of another pipeline: it adds its copy to the sum of those above it and
/// hands the sum down, whenever its worker has nothing better to do. A message's header carries in
/// place of a microbatch how many updates the copies in it have made.
template <class T>
class PinChain {
 public:
  explicit PinChain(StageLinks const& links) : links_(links) {}

  void pin(std::span<T const> weights, std::int64_t version);
  /// Hands one sum down if it can; false when there is nothing to do now.
  bool progress();
  std::int64_t pending() const { return pinned_.size(); }
  std::int64_t bytes() const;

 private:
  struct Pinned {
    std::vector<T> weights;
    std::int64_t version = 0;
  };
  void send(Pinned const& pinned);

  StageLinks links_;
  IndexedRing<Pinned> pinned_;
  std::vector<Pinned> free_;
};

}  // namespace quartic::engine
