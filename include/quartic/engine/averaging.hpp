#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/engine/settings.hpp"
#include "quartic/engine/stage.hpp"

namespace quartic::engine {

/// The allreduce over the copies of one stage: the sum runs down the pipelines to the first, which
/// takes the mean (and the outer step), and the result runs back up. Every copy is added in the
/// same order on any number of ranks, so the result does not depend on the hosting.
///
///   pipeline 2   sends w2            ->            receives mean
///   pipeline 1   sends w2 + w1       ->            receives mean, passes it on
///   pipeline 0   mean = (w2 + w1 + w0) / 3  ->     passes it on
template <class T>
class Averaging {
 public:
  Averaging(AveragingSettings const& settings, int replicas);

  bool due(std::int64_t version) const {
    return settings_.pipelines > 1 && version % settings_.every == 0;
  }
  /// `copies`: the copies on this rank, ascending in pipeline, which have all made the same update;
  /// ranks that host others call it too. `idle` is called while a message has not arrived.
  void average(std::span<Stage<T>* const> copies, int replica, std::function<void()> const& idle);
  /// Remembers where the next local steps start from, which the outer step needs of pipeline 0's
  /// copy: at the start of the run, and when replicas have been averaged.
  void start_from(Stage<T>& copy);
  /// The state of a stage of pipeline 0, between averages.
  void state(Archive& archive);
  /// Bytes that the outer step keeps.
  std::int64_t bytes() const;

 private:
  void pass_down(Stage<T>& copy, int replica, std::function<void()> const& idle);
  void pass_up(Stage<T>& copy, int replica, std::function<void()> const& idle);
  void finish(std::span<T> sum, int replica, std::span<Part const> trained);

  struct Outer {
    compute::Buffer<T> old;
    compute::Buffer<T> momentum;
  };
  AveragingSettings settings_;
  std::vector<Outer> outer_;  // by replica; of pipeline 0
};

}  // namespace quartic::engine
