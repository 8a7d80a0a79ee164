#include "quartic/comm/placement.hpp"

#include "quartic/core/check.hpp"

namespace quartic::comm {

Placement::Placement(int workers, int ranks) : workers_(workers), ranks_(ranks) {
  if (ranks > workers) {
    usage_error("{} ranks for {} workers: start at most {} ranks, or raise --stages", ranks,
                workers, workers);
  }
}

int Placement::rank_of(int worker) const {
  int const longer = workers_ % ranks_;
  int const size = workers_ / ranks_;
  int const in_longer = longer * (size + 1);
  return worker < in_longer ? worker / (size + 1) : longer + (worker - in_longer) / size;
}

}  // namespace quartic::comm
