#include "quartic/engine/hosting.hpp"

namespace quartic::engine {

Hosting::Hosting(plan::Rules const& rules, int pipelines, int ranks, int rank)
    : pipelines_(pipelines), stages_(rules.shape.stages) {
  comm::Placement const placement(pipelines * rules.workers, ranks);
  for (int pipeline = 0; pipeline < pipelines; ++pipeline) {
    for (int stage = 0; stage < stages_; ++stage) {
      int const host = placement.rank_of(pipeline * rules.workers + rules.worker_of(stage));
      ranks_.push_back(host);
      local_stages_.push_back(host == rank ? static_cast<int>(seats_.size()) : -1);
      if (host == rank) seats_.push_back({pipeline, stage});
    }
  }
}

int Hosting::local_stage(Seat seat) const {
  return local_stages_[index_of(seat)];
}

int Hosting::rank_of(Seat seat) const {
  return ranks_[index_of(seat)];
}

}  // namespace quartic::engine
