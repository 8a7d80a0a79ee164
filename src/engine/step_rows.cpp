#include "quartic/engine/step_rows.hpp"

#include <algorithm>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

/// Plan time in units; undefined on arrival.
double planned_units(plan::Ticks time) {
  return time < 0 ? undefined : plan::to_units(time);
}

}  // namespace

template <class T>
StepRows<T>::StepRows(Seat seat, int local_stage, StageSettings const& settings,
                      std::int64_t parameters, std::span<Part const> trained, Recorder& recorder)
    : seat_(seat),
      local_stage_(local_stage),
      settings_(settings),
      recorder_(recorder),
      parameters_(parameters),
      read_copies_(trained) {}

template <class T>
void StepRows<T>::forward(plan::Decision const& decision, std::span<T const> weights, Counts counts,
                          WallTime wall, std::int64_t wait_ns) {
  plan::Pass const& pass = decision.passes.front();
  totals_.forward_ns += wall.duration();
  totals_.peak_activations = std::max<std::int64_t>(totals_.peak_activations, counts.activations);
  keep_stale_read(pass, weights);
  event(decision, wall);
  Pending& pending = in_flight_.push({});
  if (decision.ends) return drop();  // its backward stops above
  StepRow& row = pending.row;
  row.microbatch = pass.microbatch;
  row.minibatch = pass.minibatch;
  row.replica = pass.read.replica;
  row.version_forward = pass.read.version;
  row.plan_forward = planned_units(decision.begin);
  row.forward_begin_ns = wall.begin_ns;
  row.forward_end_ns = wall.end_ns;
  row.wait_ns = wait_ns;
  row.weight_copies = counts.copies;
  row.activations = counts.activations;
  bool const is_sampled =
      settings_.displacement_every > 0 && row.microbatch % settings_.displacement_every == 0;
  if (is_sampled) pending.displacement_origin = read_copies_.keep(weights);
}

template <class T>
void StepRows<T>::loss(plan::Decision const& decision, double loss, std::int64_t end_ns) {
  plan::Pass const& pass = decision.passes.front();
  recorder_.loss(local_stage_, {seat_.pipeline, pass.read.replica, pass.microbatch, pass.minibatch,
                                planned_units(decision.end), end_ns, loss});
}

/// Stale reads are sampled even if the stage keeps nothing else of the microbatch (rpd).
template <class T>
void StepRows<T>::keep_stale_read(plan::Pass const& pass, std::span<T const> weights) {
  std::int64_t const every = seat_.pipeline == 0 ? settings_.stale_read_every : 0;
  if (every == 0 || pass.microbatch % every != 0) return;
  sampled_reads_.push({pass.microbatch, pass.read.replica, read_copies_.keep(weights)});
}

template <class T>
void StepRows<T>::sample_stale_read(StaleReadSnapshot const& snapshot,
                                    StageWeights<T> const& weights) {
  if (sampled_reads_.empty() || sampled_reads_.front().microbatch > snapshot.microbatch) return;
  SampledRead read = sampled_reads_.pop();
  QUARTIC_ASSERT(read.microbatch == snapshot.microbatch);
  double const moved = read_copies_.distance_sq(weights.live(read.replica), std::move(read.copy));
  recorder_.stale_read(local_stage_, {snapshot.microbatch, plan::to_units(snapshot.time), moved});
}

template <class T>
void StepRows<T>::begin_backward(Counts counts, std::int64_t begin_ns) {
  action_counts_ = counts;
  action_begin_ns_ = begin_ns;
}

template <class T>
void StepRows<T>::backward_input(plan::Decision const& decision, plan::Pass const& pass,
                                 std::int64_t wait_ns) {
  StepRow& row = in_flight_[pass.microbatch].row;
  row.version_backward = pass.read.recorded_version();
  row.drift = row.version_backward - row.version_forward;
  row.backward_begin_ns = action_begin_ns_;
  row.plan_backward = planned_units(decision.begin);
  row.wait_ns += wait_ns;
}

template <class T>
void StepRows<T>::accumulate() {
  accumulated_.push_back(in_flight_.pop());
  StepRow& row = accumulated_.back().row;
  row.activations = std::max(row.activations, action_counts_.activations);
  row.weight_copies = std::max(row.weight_copies, action_counts_.copies);
}

template <class T>
void StepRows<T>::end_backward(plan::Decision const& decision, WallTime wall, bool ends) {
  totals_.backward_ns += wall.duration();
  bool const accumulates = decision.action.kind != plan::Kind::backward_input;
  if (accumulates) accumulated_.back().row.backward_end_ns = wall.end_ns;
  if (ends) event(decision, {action_begin_ns_, wall.end_ns});
}

template <class T>
void StepRows<T>::measure_displacements(std::span<T const> live) {
  for (Pending& pending : accumulated_) {
    if (pending.displacement_origin.size() == 0) continue;
    pending.row.displacement_sq =
        read_copies_.distance_sq(live, std::move(pending.displacement_origin));
  }
}

template <class T>
void StepRows<T>::update(std::int64_t version, typename StageWeights<T>::Updated const& updated) {
  for (Pending& pending : accumulated_) {
    StepRow& row = pending.row;
    row.version_applied = version;
    row.staleness = row.version_applied - row.version_forward;
    row.gradient_sq = updated.gradient_sq;
    row.learning_rate = updated.learning_rate;
    ++totals_.steps;
    totals_.staleness_sum += row.staleness;
    totals_.staleness_max = std::max(totals_.staleness_max, row.staleness);
    totals_.drift_sum += row.drift;
    totals_.drift_max = std::max(totals_.drift_max, row.drift);
  }
}

template <class T>
void StepRows<T>::record(std::span<plan::PlannedStep const> planned) {
  for (std::size_t i = 0; i < accumulated_.size(); ++i) {
    StepRow& row = accumulated_[i].row;
    if (!planned.empty()) {
      QUARTIC_ASSERT(planned[i].microbatch == row.microbatch);
      QUARTIC_ASSERT(planned[i].version_forward == row.version_forward);
      QUARTIC_ASSERT(planned[i].version_backward == row.version_backward);
      QUARTIC_ASSERT(planned[i].version_applied == row.version_applied);
      QUARTIC_ASSERT(planned[i].activations == row.activations);
      QUARTIC_ASSERT(planned[i].weight_copies == row.weight_copies);
      row.delay_own = planned[i].delay_own;
      row.delay_oldest = planned[i].delay_oldest;
    }
    recorder_.step(local_stage_, row);
  }
  accumulated_.clear();
}

template <class T>
void StepRows<T>::add_wait(plan::Kind kind, std::int64_t duration_ns) {
  (kind == plan::Kind::forward ? totals_.wait_activations_ns : totals_.wait_gradients_ns) +=
      duration_ns;
}

template <class T>
std::int64_t StepRows<T>::oldest_version(std::int64_t first, std::int64_t last) const {
  std::int64_t oldest = row(first).version_forward;
  for (std::int64_t j = first; j <= last; ++j) oldest = std::min(oldest, row(j).version_forward);
  for (Pending const& pending : accumulated_)
    oldest = std::min(oldest, pending.row.version_forward);
  return oldest;
}

template <class T>
void StepRows<T>::event(plan::Decision const& decision, WallTime wall) {
  if (!settings_.events) return;
  recorder_.event(local_stage_, {.action = plan::letter(decision.action.kind),
                                 .microbatch = decision.action.microbatch,
                                 .plan_begin = planned_units(decision.begin),
                                 .plan_end = planned_units(decision.end),
                                 .begin_ns = wall.begin_ns,
                                 .end_ns = wall.end_ns});
}

template <class T>
void StepRows<T>::in_flight_state(Archive& archive, std::int64_t oldest, std::int64_t next) {
  if (archive.restores()) {
    in_flight_ = IndexedRing<Pending>(oldest);
    while (in_flight_.end() < next) in_flight_.push({});
  }
  std::vector<StepRow> rows;
  std::vector<Pending*> pending;
  for (std::int64_t j = oldest; j < next; ++j) {
    rows.push_back(in_flight_[j].row);
    pending.push_back(&in_flight_[j]);
  }
  archive.steps("rows", rows);
  require_restored(rows.size() == pending.size(), "in_flight/rows");
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i]->row = rows[i];
  origins_state(archive, pending);
}

/// The copies that sampled displacements start from.
template <class T>
void StepRows<T>::origins_state(Archive& archive, std::vector<Pending*> pending) {
  if (settings_.displacement_every == 0) return;
  std::erase_if(pending, [&](Pending const* each) {
    return each->row.microbatch % settings_.displacement_every != 0;
  });
  if (archive.restores()) {
    for (Pending* const each : pending) each->displacement_origin = compute::Buffer<T>(parameters_);
  }
  visit_rows<T>(archive, "displacement_origin", std::ssize(pending), parameters_,
                [&](std::int64_t i) {
                  return pending[static_cast<std::size_t>(i)]->displacement_origin.view();
                });
}

template <class T>
void StepRows<T>::state(Archive& archive) {
  accumulated_state(archive);
  sampled_reads_state(archive);
  totals_state(archive);
  recorder_.state(local_stage_, archive);
}

/// Microbatches whose gradients wait for their update.
template <class T>
void StepRows<T>::accumulated_state(Archive& archive) {
  auto const group = archive.group("accumulated");
  std::vector<StepRow> rows;
  rows.reserve(accumulated_.size());
  for (Pending const& each : accumulated_) rows.push_back(each.row);
  archive.steps("rows", rows);
  if (archive.restores()) accumulated_ = std::vector<Pending>(rows.size());
  std::vector<Pending*> pending;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    accumulated_[i].row = rows[i];
    pending.push_back(&accumulated_[i]);
  }
  origins_state(archive, pending);
}

template <class T>
void StepRows<T>::sampled_reads_state(Archive& archive) {
  if (settings_.stale_read_every == 0) return;
  auto const group = archive.group("stale_reads");
  std::int64_t count = sampled_reads_.size();
  archive.integer("count", count);
  require_restored(0 <= count && count <= settings_.microbatches, "stale_reads");
  if (archive.restores()) {
    while (sampled_reads_.size() < count)
      sampled_reads_.push({-1, 0, compute::Buffer<T>(parameters_)});
  }
  std::vector<SampledRead*> reads;
  for (std::int64_t i = sampled_reads_.first(); i < sampled_reads_.end(); ++i)
    reads.push_back(&sampled_reads_[i]);
  integers_of(
      archive, "microbatch", reads, [](auto* r) -> auto& { return r->microbatch; });
  integers_of(
      archive, "replica", reads, [](auto* r) -> auto& { return r->replica; });
  visit_rows<T>(archive, "read", count, parameters_,
                [&](std::int64_t i) { return reads[static_cast<std::size_t>(i)]->copy.view(); });
}

/// The closing table covers the whole run, across resumes.
template <class T>
void StepRows<T>::totals_state(Archive& archive) {
  auto const group = archive.group("totals");
  archive.integer("forward_ns", totals_.forward_ns);
  archive.integer("backward_ns", totals_.backward_ns);
  archive.integer("update_ns", totals_.update_ns);
  archive.integer("wait_activations_ns", totals_.wait_activations_ns);
  archive.integer("wait_gradients_ns", totals_.wait_gradients_ns);
  archive.integer("steps", totals_.steps);
  archive.integer("staleness_sum", totals_.staleness_sum);
  archive.integer("staleness_max", totals_.staleness_max);
  archive.integer("drift_sum", totals_.drift_sum);
  archive.integer("drift_max", totals_.drift_max);
  archive.integer("peak_activations", totals_.peak_activations);
}

template class StepRows<float>;
template class StepRows<double>;

}  // namespace quartic::engine
