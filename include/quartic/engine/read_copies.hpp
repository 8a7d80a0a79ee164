#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/partition.hpp"

namespace quartic::engine {

/// Copies of one stage's weights as its forwards have read them (bent, where the method bends
/// them), to measure later how far the weights have moved. They are the trace's alone: no weight
/// copies of the method. Allocates only until the most copies that are held at once are there.
template <class T>
class ReadCopies {
 public:
  /// `trained`: the parts that distances are taken over, all but statistics; must outlive this.
  explicit ReadCopies(std::span<Part const> trained) : trained_(trained) {}

  compute::Buffer<T> keep(std::span<T const> read);
  /// ‖now − copy‖², and takes the copy back.
  double distance_sq(std::span<T const> now, compute::Buffer<T> copy);
  /// Bytes of the copies that nobody holds; at the end of a run that is all of them.
  std::int64_t bytes() const;

 private:
  std::span<Part const> trained_;
  std::vector<compute::Buffer<T>> free_;
};

}  // namespace quartic::engine
