#include "quartic/engine/run.hpp"

#include <utility>

#include "quartic/engine/arrival.hpp"
#include "quartic/engine/gather_rows.hpp"

namespace quartic::engine {
namespace {

std::unique_ptr<PlanWalk> walk_of(Planned const& planned, RunSettings const& settings,
                                  std::unique_ptr<PlanWalk> resumed) {
  if (resumed) return resumed;
  return std::make_unique<PlanWalk>(planned.rules, planned.cost, settings.snapshots,
                                    settings.stage.stale_read_every, settings.checkpoints.longer);
}

}  // namespace

template <class T>
Run<T>::Run(comm::Communicator& communicator, Planned const& planned, RunSettings const& settings,
            std::vector<std::unique_ptr<nn::Block<T>>> hosted, Outputs const& outputs,
            std::unique_ptr<PlanWalk> resumed)
    : rules_(planned.rules),
      settings_(settings),
      rank_(communicator, planned.rules, settings, std::move(hosted), outputs.sink,
            resumed ? resumed->here().wall_ns : 0),
      walk_(walk_of(planned, settings, std::move(resumed))) {
  if (outputs.checkpoints == nullptr || settings.order == Order::arrival) return;
  checkpoints_.emplace(rank_, rules_, *walk_, *outputs.checkpoints, settings.checkpoints);
}

template <class T>
Ending Run<T>::execute() {
  try {
    if (train() == Ending::stopped) return Ending::stopped;
    return finish();
  } catch (Divergence const& divergence) {
    rank_.report(divergence);
    throw;
  }
}

template <class T>
Ending Run<T>::train() {
  if (settings_.order == Order::arrival) {
    Arrival<T>(rank_, rules_, settings_).run();
    return Ending::done;
  }
  Checkpoints<T>* const checkpoints = checkpoints_ ? &*checkpoints_ : nullptr;
  if (walk_->here().position > 0) {
    checkpoints->restore();
    if (rank_.communicator().rank() == 0) rank_.trained(rank_.stage(0).view().weight_backwards);
  }
  return Replay<T>(rank_, *walk_, checkpoints).run();
}

template <class T>
Ending Run<T>::finish() {
  wall_ns_ = rank_.clock().now_ns();
  rank_.evaluations().close();
  if (checkpoints_ && checkpoints_->stopped_while_evaluating(wall_ns_)) return Ending::stopped;
  rank_.waiting().until([&] { return !rank_.evaluations().pending(); });
  rank_.close();
  evaluated_ns_ = rank_.clock().now_ns();
  if (checkpoints_) checkpoints_->finish();
  return Ending::done;
}

template <class T>
RunReport Run<T>::report() const {
  std::vector<StageReport> mine;
  for (int i = 0; i < rank_.stages(); ++i)
    mine.push_back({rank_.stage(i).seat(), rank_.stage(i).rows().totals(), wall_ns_});
  comm::Communicator& communicator = rank_.communicator();
  CheckpointTotals const checkpoints = checkpoints_ ? checkpoints_->totals() : CheckpointTotals{};
  return {gather_rows(communicator, mine),
          gather_rows<MemoryRow>(communicator, {memory()}),
          gather_rows<CheckpointTotals>(communicator, {checkpoints}),
          settings_.order == Order::plan ? walk_->bubble() : undefined,
          evaluated_ns_ - wall_ns_,
          rank_.waiting().shares_cores()};
}

template class Run<float>;
template class Run<double>;

}  // namespace quartic::engine
