#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "quartic/comm/message.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/archive.hpp"
#include "quartic/engine/arena.hpp"
#include "quartic/engine/links.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/plan/peaks.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// What one microbatch holds at a stage between its forward and the end of its backward.
template <class T>
struct Held {
  comm::Message input;
  std::span<T> saved;  ///< what the forward leaves for the backward
  std::span<T> flow;   ///< what the input half of the backward leaves for the weight half
  comm::Message output_gradient;  ///< as the stage above sent it
  plan::Tags tags;
  plan::Read read;  ///< of its last pass
  std::int64_t data_index = 0;
  bool is_in_backward = false;  ///< the input half is done
  bool is_whole = false;        ///< and the weight half came with it
};

/// The microbatches in flight at one stage, by number. The memory that they hold is one block, made
/// at the start and as large as the plan says; messages are lent by the stage's links.
template <class T>
class InFlight {
 public:
  InFlight(StageLinks const& links, nn::Sizes const& sizes, plan::StagePeak const& peak);

  /// The next microbatch, whose input must have arrived, with memory for its forward.
  Held<T>& begin();
  /// Its backward begins: receives its output gradient, which must have arrived.
  void begin_backward(Held<T>& held);
  /// The oldest microbatch ends here: gives everything back that it has held.
  void end();

  Held<T>& operator[](std::int64_t microbatch) { return held_[microbatch]; }
  Held<T> const& operator[](std::int64_t microbatch) const { return held_[microbatch]; }
  std::int64_t oldest() const { return held_.first(); }
  std::int64_t next() const { return held_.end(); }
  std::int32_t count() const { return static_cast<std::int32_t>(held_.size()); }

  std::int64_t saved_bytes(std::int64_t microbatches) const {
    return microbatches * sizes_.saved * static_cast<std::int64_t>(sizeof(T));
  }
  std::int64_t input_bytes(std::int64_t microbatches) const {
    return microbatches * sizes_.input * static_cast<std::int64_t>(sizeof(T));
  }
  std::int64_t flow_bytes() const { return arena_.bytes(Arena<T>::flow); }

  /// Between two actions, in a group of the caller's: the microbatches from `oldest` to `next`, of
  /// which `is_in_backward(j)` says whether the input half is done.
  void state(Archive& archive, std::int64_t oldest, std::int64_t next,
             std::function<bool(std::int64_t)> const& is_in_backward);

 private:
  void halves_state(Archive& archive);

  StageLinks links_;
  nn::Sizes sizes_;
  Arena<T> arena_;
  IndexedRing<Held<T>> held_;
};

}  // namespace quartic::engine
