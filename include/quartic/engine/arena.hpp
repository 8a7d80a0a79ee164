#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"

namespace quartic::engine {

/// Where a stage keeps what its microbatches in flight leave for their backward: one block of
/// memory with as many places of each kind as the plan says are taken at once. Places are given
/// back in any order. If more are taken than planned, which only arrival and jitter can bring, each
/// further one is a block of its own.
template <class T>
class Arena {
 public:
  enum Kind : std::size_t { saved, flow, kinds };
  struct Places {
    std::int64_t count = 0;
    std::int64_t elements = 0;  ///< of one
  };

  explicit Arena(std::array<Places, kinds> places);

  /// Its content is undefined.
  std::span<T> take(Kind kind);
  void give_back(Kind kind, std::span<T> place) { free_[kind].push_back(place); }
  /// Of the places of a kind, those beyond the plan included.
  std::int64_t bytes(Kind kind) const;

 private:
  std::array<Places, kinds> places_;
  compute::Buffer<T> block_;
  std::vector<compute::Buffer<T>> beyond_;
  std::array<std::vector<std::span<T>>, kinds> free_;
};

}  // namespace quartic::engine
