#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "quartic/core/check.hpp"

namespace quartic {

/// A queue whose elements keep their running number: pushed at the back, popped at the front,
/// read by number in between. Grows by doubling and then allocates no more.
template <class Value>
class IndexedRing {
 public:
  /// The number of the first element ever pushed.
  explicit IndexedRing(std::int64_t first = 0) : first_(first), end_(first) {}

  std::int64_t first() const { return first_; }
  std::int64_t end() const { return end_; }
  std::int64_t size() const { return end_ - first_; }
  bool empty() const { return first_ == end_; }
  bool contains(std::int64_t index) const { return first_ <= index && index < end_; }

  Value& operator[](std::int64_t index) {
    QUARTIC_ASSERT(contains(index));
    return slots_[static_cast<std::size_t>(index) & mask()];
  }
  Value const& operator[](std::int64_t index) const {
    QUARTIC_ASSERT(contains(index));
    return slots_[static_cast<std::size_t>(index) & mask()];
  }
  Value& front() { return (*this)[first_]; }
  Value const& front() const { return (*this)[first_]; }
  Value& back() { return (*this)[end_ - 1]; }
  Value const& back() const { return (*this)[end_ - 1]; }

  Value& push(Value value) {
    if (static_cast<std::size_t>(size()) == slots_.size()) grow();
    Value& slot = slots_[static_cast<std::size_t>(end_++) & mask()];
    slot = std::move(value);
    return slot;
  }
  Value pop() {
    QUARTIC_ASSERT(!empty());
    return std::move(slots_[static_cast<std::size_t>(first_++) & mask()]);
  }

 private:
  std::size_t mask() const { return slots_.size() - 1; }
  void grow() {
    std::vector<Value> larger(slots_.empty() ? 4 : 2 * slots_.size());
    for (std::int64_t i = first_; i < end_; ++i) {
      larger[static_cast<std::size_t>(i) & (larger.size() - 1)] =
          std::move(slots_[static_cast<std::size_t>(i) & mask()]);
    }
    slots_ = std::move(larger);
  }

  std::vector<Value> slots_;
  std::int64_t first_;
  std::int64_t end_;
};

}  // namespace quartic
