#pragma once

#include "quartic/core/partition.hpp"

namespace quartic::comm {

/// Which rank hosts which workers: contiguous and even, so that neighbours mostly share a rank.
class Placement {
 public:
  /// UsageError when there are more ranks than workers.
  Placement(int workers, int ranks);

  int rank_of(int worker) const;
  /// The workers that a rank hosts.
  Part hosted(int rank) const { return even_part(workers_, ranks_, rank); }
  int ranks() const { return ranks_; }

 private:
  int workers_;
  int ranks_;
};

}  // namespace quartic::comm
