#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "quartic/comm/communicator.hpp"

namespace quartic::comm {

/// How all ranks come to know the largest of what each proposes, in the middle of a run and without
/// waiting for each other. Rounds follow each other; every rank takes part in every one. Rank 0
/// collects the proposals and tells the result.
///
///   rank 0: propose({0, 7})   … computes …  done() -> true, largest() == {1, 7}
///   rank 1: propose({1, 3})   … computes …  done() -> true, largest() == {1, 7}
///
/// Rank 0 must call done() for the others to hear of a result. (An allreduce would do, but cannot
/// be given up when a run ends in the middle.)
class Agreement {
 public:
  using Values = std::array<std::int64_t, 4>;

  /// Collective. Of several at once each needs a tag of its own, which no other message has.
  Agreement(Communicator& communicator, int tag);

  /// Begins a round; the one before must be done.
  void propose(Values const& values);
  /// Whether every rank has proposed; makes progress on every transfer of this rank.
  bool done();
  /// The largest values of the last round, once it is done; zeros before the first.
  Values const& largest() const { return largest_; }

 private:
  void collect();
  void hear();
  void post(int from);

  Communicator& communicator_;
  int tag_;
  Values largest_{};
  bool underway_ = false;
  std::vector<Transfer> posted_;    // rank 0: by rank; others: from rank 0
  std::vector<bool> has_proposed_;  // by rank, this round
  std::vector<Transfer> sent_;      // transfers that may not have left
};

}  // namespace quartic::comm
