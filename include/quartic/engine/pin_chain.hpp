#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/links.hpp"

namespace quartic::engine {

/// At a cut every pipeline pins its copy of a stage, and the first one evaluates their mean. This
/// is the part of a stage of another pipeline: it adds its copy to the sum of those above it and
/// hands the sum down, whenever its worker has nothing better to do.
template <class T>
class PinChain {
 public:
  explicit PinChain(StageLinks const& links) : links_(links) {}

  void pin(std::span<T const> weights);
  /// Hands one sum down if it can; false when there is nothing to do now.
  bool progress();
  /// Cuts pinned so far, and those of them whose sums the pipeline below has not received yet.
  std::int64_t cuts() const { return pinned_.end(); }
  std::int64_t outstanding() { return pinned_.size() + links_.pins_out->unsent(); }
  std::int64_t pending() const { return pinned_.size(); }
  /// What waits to be handed down is part of no state: it is settled first.
  void restart_after(std::int64_t cuts) { pinned_ = IndexedRing<compute::Buffer<T>>(cuts); }
  std::int64_t bytes() const;

 private:
  StageLinks links_;
  IndexedRing<compute::Buffer<T>> pinned_;
  std::vector<compute::Buffer<T>> free_;
};

}  // namespace quartic::engine
