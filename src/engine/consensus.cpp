#include "quartic/engine/consensus.hpp"

#include <algorithm>

namespace quartic::engine {
namespace {

constexpr std::int64_t shortest_ns = 50'000'000;
constexpr std::int64_t longest_ns = 200'000'000;

enum Value : std::size_t { stop, checkpoint, unwritten, duration };

}  // namespace

Consensus::Proposal Consensus::outcome() const {
  comm::Agreement::Values const& all = agreement_.largest();
  return {all[stop] > 0, all[checkpoint] > 0, -all[unwritten]};
}

void Consensus::begin(std::int64_t position, Proposal const& proposal, std::int64_t now_ns) {
  // Every rank sees the same durations, so every rank's periods have the same length.
  std::int64_t const longest = agreement_.largest()[duration];
  if (longest > longest_ns) period_ = std::max(shortest_, period_ / 2);
  if (0 < longest && longest < shortest_ns) period_ *= 2;  // 0 before the first
  next_ = position + period_;
  std::int64_t const lasted_ns = last_begin_ns_ < 0 ? shortest_ns : now_ns - last_begin_ns_;
  last_begin_ns_ = now_ns;
  agreement_.propose(
      {proposal.stop ? 1 : 0, proposal.checkpoint ? 1 : 0, -proposal.written, lasted_ns});
}

}  // namespace quartic::engine
