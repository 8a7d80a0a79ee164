#include "quartic/engine/evaluation.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

/// Sweeps that a stage may be ahead of the next: so many messages, and no more, are ever made.
constexpr std::int64_t sweeps_ahead = 2;

}  // namespace

template <class T>
StageEvaluation<T>::StageEvaluation(int place, int stage, int stages, int pipelines,
                                    nn::Block<T>& block, StageLinks const& links,
                                    Recorder& recorder)
    : place_(place),
      stage_(stage),
      stages_(stages),
      pipelines_(pipelines),
      block_(block),
      links_(links),
      recorder_(recorder),
      plan_(block.sweep_plan()),
      row_sweeps_((plan_.rows + plan_.rows_per_sweep - 1) / plan_.rows_per_sweep),
      held_out_row_sweeps_((plan_.held_out_rows + plan_.rows_per_sweep - 1) /
                           plan_.rows_per_sweep) {}

template <class T>
nn::Sweep StageEvaluation<T>::largest_sweep(nn::Block<T> const& block) {
  nn::SweepPlan const plan = block.sweep_plan();
  return {0, std::min(std::max(plan.rows, plan.held_out_rows), plan.rows_per_sweep),
          plan.versions_per_sweep};
}

template <class T>
std::size_t StageEvaluation<T>::bytes_above(nn::Block<T> const& block) {
  return static_cast<std::size_t>(block.sweep_output(largest_sweep(block))) * sizeof(T);
}

template <class T>
std::size_t StageEvaluation<T>::bytes_below(nn::Block<T> const& block) {
  return static_cast<std::size_t>(block.sweep_input(largest_sweep(block))) * sizeof(T);
}

template <class T>
std::size_t StageEvaluation<T>::bytes_of_scores(nn::Block<T> const& block) {
  return static_cast<std::size_t>(block.sweep_plan().versions_per_sweep) * sizeof(Score);
}

template <class T>
void StageEvaluation<T>::pin(Cut const& cut, std::span<T const> weights, std::int64_t version) {
  Batch& batch = open_batch();
  make_room(batch, std::ssize(batch.cuts) + 1);
  compute::copy<T>(
      weights, batch.weights.view().subspan(batch.cuts.size() * weights.size(), weights.size()));
  batch.cuts.push_back(cut);
  batch.versions.push_back(version);
  ++pinned_;
  batch.closed = std::ssize(batch.cuts) == plan_.versions_per_sweep;
  if (pipelines_ == 1) batch.whole_cuts = batch.cuts.size();
  if (batch.closed) complete_cuts_ += std::ssize(batch.cuts);
}

/// By doubling, up to a full batch: a run with few cuts needs no more room than they do.
template <class T>
void StageEvaluation<T>::make_room(Batch& batch, std::int64_t cuts) {
  std::int64_t const parameters = block_.parameter_count();
  std::int64_t const had = batch.weights.size();
  if (had >= cuts * parameters) return;
  compute::Buffer<T> larger(
      std::min(std::max(cuts * parameters, 2 * had), plan_.versions_per_sweep * parameters));
  compute::copy<T>(batch.weights.view(), larger.view().first(static_cast<std::size_t>(had)));
  batch.weights = std::move(larger);
}

/// Turns the pinned copy of the oldest cut that is not whole into the mean over all pipelines.
template <class T>
bool StageEvaluation<T>::add_other_pipelines() {
  if (pipelines_ == 1 || whole_batch_ == batches_.end()) return false;
  Batch& batch = batches_[whole_batch_];
  if (batch.whole_cuts == batch.cuts.size()) {
    if (batch.closed) ++whole_batch_;
    return batch.closed;
  }
  if (!links_.pins_in->arrived()) return false;
  comm::Message sum = links_.pins_in->receive();
  auto const values = std::as_const(sum).template payload<T>();
  std::span<T> const own =
      batch.weights.view().subspan(batch.whole_cuts * values.size(), values.size());
  compute::add_scaled<T>(1, values, own);
  compute::scale(T(1) / static_cast<T>(pipelines_), own);
  links_.pins_in->give_back(std::move(sum));
  ++batch.whole_cuts;
  return true;
}

template <class T>
typename StageEvaluation<T>::Batch& StageEvaluation<T>::open_batch() {
  if (!batches_.empty() && !batches_.back().closed) return batches_.back();
  if (free_.empty()) return batches_.push({});
  Batch& batch = batches_.push(std::move(free_.back()));
  free_.pop_back();
  return batch;
}

template <class T>
void StageEvaluation<T>::close() {
  if (!batches_.empty()) batches_.back().closed = true;
  reached_ = std::numeric_limits<std::int64_t>::max();
}

template <class T>
bool StageEvaluation<T>::may_sweep(std::int64_t batch) const {
  return batches_[batch].closed && batch < reached_ / plan_.versions_per_sweep;
}

template <class T>
std::int64_t StageEvaluation<T>::pending() const {
  std::int64_t end = batches_.end();
  while (end > batches_.first() && !may_sweep(end - 1)) --end;
  return end - batches_.first();
}

template <class T>
std::int64_t StageEvaluation<T>::sweeps_left() const {
  std::int64_t const batches =
      std::max<std::int64_t>(0, batches_.first() + pending() - forward_batch_);
  return batches * (row_sweeps_ + held_out_row_sweeps_) - (batches > 0 ? forward_row_sweep_ : 0);
}

template <class T>
bool StageEvaluation<T>::is_whole() const {
  for (std::int64_t b = batches_.first(); b < batches_.end(); ++b) {
    if (batches_[b].whole_cuts < batches_[b].cuts.size()) return false;
  }
  return true;
}

template <class T>
bool StageEvaluation<T>::settled() const {
  return pending() == 0 && is_whole();
}

template <class T>
bool StageEvaluation<T>::has_swept(std::int64_t sweeps) const {
  bool const is_back = !plan_.backward || backward_batch_ == forward_batch_;
  return swept() == sweeps && is_back && is_whole();
}

template <class T>
std::int64_t StageEvaluation<T>::bytes() const {
  std::int64_t sum = 0;
  for (std::int64_t b = batches_.first(); b < batches_.end(); ++b)
    sum += batches_[b].weights.size();
  for (Batch const& batch : free_) sum += batch.weights.size();
  return sum * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
bool StageEvaluation<T>::progress() {
  return add_other_pipelines() || backward() || forward();
}

template <class T>
nn::Sweep StageEvaluation<T>::sweep_of(Batch const& batch, std::int64_t row_sweep) const {
  bool const held_out = row_sweep >= row_sweeps_;
  std::int64_t const first =
      (held_out ? row_sweep - row_sweeps_ : row_sweep) * plan_.rows_per_sweep;
  std::int64_t const rows = held_out ? plan_.held_out_rows : plan_.rows;
  return {held_out ? plan_.held_out_first + first : first,
          std::min(plan_.rows_per_sweep, rows - first), std::ssize(batch.cuts), held_out};
}

template <class T>
bool StageEvaluation<T>::forward() {
  if (forward_batch_ == batches_.end() || !may_sweep(forward_batch_)) return false;
  if (paused_ && stage_ == 0) return false;
  if (!is_last() && links_.sweeps_out->unsent() >= sweeps_ahead) return false;
  if (links_.sweeps_in != nullptr && !links_.sweeps_in->arrived()) return false;
  Batch& batch = batches_[forward_batch_];
  if (batch.whole_cuts < batch.cuts.size()) return false;
  sweep_forward(batch, sweep_of(batch, forward_row_sweep_));
  if (++forward_row_sweep_ < row_sweeps_ + held_out_row_sweeps_) return true;
  forward_row_sweep_ = 0;
  ++forward_batch_;
  if (is_last()) finish_held_out(batch);
  if (!plan_.backward) {
    if (is_last()) finish(batch);
    recycle();
  }
  return true;
}

template <class T>
void StageEvaluation<T>::sweep_forward(Batch& batch, nn::Sweep sweep) {
  comm::Message input = links_.sweeps_in == nullptr ? comm::Message() : links_.sweeps_in->receive();
  comm::Message output = is_last() ? comm::Message() : links_.sweeps_out->acquire();
  begin_scores(batch, input);
  block_.sweep_forward(sweep, weights_of(batch), payload_in(input, block_.sweep_input(sweep)),
                       payload_in(output, block_.sweep_output(sweep)), share_);
  add_scores(batch);
  if (input) links_.sweeps_in->give_back(std::move(input));
  if (output) {
    std::copy(scores_.begin(), scores_.end(), output.template notes<Score>().begin());
    links_.sweeps_out->send(std::move(output));
  } else {
    add_totals(sweep.held_out ? batch.held_out : batch.totals);
  }
}

/// The last stage keeps what all stages have added up.
template <class T>
void StageEvaluation<T>::add_totals(std::vector<Score>& totals) const {
  totals.resize(scores_.size());
  for (std::size_t i = 0; i < totals.size(); ++i) {
    totals[i].value += scores_[i].value;
    totals[i].correct += scores_[i].correct;
    totals[i].block_updates = scores_[i].block_updates;
    totals[i].wall_ns = scores_[i].wall_ns;
  }
}

/// The scores that came with the input, or zeros at stage 0.
template <class T>
void StageEvaluation<T>::begin_scores(Batch const& batch, comm::Message const& input) {
  scores_.assign(batch.cuts.size(), {});
  share_.assign(batch.cuts.size(), {});
  if (!input) return;
  auto const received = input.template notes<Score>();
  std::copy_n(received.begin(), scores_.size(), scores_.begin());
}

template <class T>
void StageEvaluation<T>::add_scores(Batch& batch) {
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    scores_[i].value += share_[i].value;
    scores_[i].correct += share_[i].correct;
    scores_[i].block_updates += static_cast<double>(batch.versions[i]);
    scores_[i].wall_ns = std::max(scores_[i].wall_ns, static_cast<double>(batch.cuts[i].wall_ns));
  }
}

/// The backward sweep goes down from the last stage; a batch's row sweeps are one where there is
/// one.
template <class T>
bool StageEvaluation<T>::backward() {
  if (!plan_.backward || backward_batch_ >= forward_batch_) return false;
  if (links_.returns_in != nullptr && !links_.returns_in->arrived()) return false;
  Batch& batch = batches_[backward_batch_];
  nn::Sweep const sweep = sweep_of(batch, 0);
  comm::Message input = is_last() ? comm::Message() : links_.returns_in->receive();
  comm::Message output = stage_ == 0 ? comm::Message() : links_.returns_out->acquire();
  if (input) {
    auto const received = input.template notes<Score>();
    batch.totals.assign(received.begin(), received.begin() + std::ssize(batch.cuts));
  }
  share_.assign(batch.cuts.size(), {});
  block_.sweep_backward(sweep, weights_of(batch), payload_in(input, block_.sweep_output(sweep)),
                        payload_in(output, block_.sweep_input(sweep)), share_);
  for (std::size_t i = 0; i < share_.size(); ++i)
    batch.totals[i].gradient_sq += share_[i].gradient_sq;
  if (input) links_.returns_in->give_back(std::move(input));
  if (output) {
    std::copy(batch.totals.begin(), batch.totals.end(), output.template notes<Score>().begin());
    links_.returns_out->send(std::move(output));
  } else {
    finish(batch);
  }
  ++backward_batch_;
  recycle();
  return true;
}

template <class T>
void StageEvaluation<T>::finish(Batch& batch) {
  for (std::size_t i = 0; i < batch.cuts.size(); ++i) {
    ObjectiveRow row = row_of(batch.cuts[i], batch.totals[i], plan_.rows);
    if (plan_.backward) row.gradient_sq = batch.totals[i].gradient_sq;
    recorder_.objective(place_, row);
  }
}

template <class T>
void StageEvaluation<T>::finish_held_out(Batch& batch) {
  for (std::size_t i = 0; i < batch.held_out.size(); ++i) {
    recorder_.validation(place_, row_of(batch.cuts[i], batch.held_out[i], plan_.held_out_rows));
  }
}

template <class T>
ObjectiveRow StageEvaluation<T>::row_of(Cut const& cut, Score const& total, std::int64_t rows) {
  return {cut.plan_time,
          static_cast<std::int64_t>(total.block_updates),
          static_cast<std::int64_t>(total.wall_ns),
          total.value,
          total.correct / static_cast<double>(rows),
          undefined};
}

template <class T>
void StageEvaluation<T>::recycle() {
  Batch batch = batches_.pop();
  batch.cuts.clear();
  batch.versions.clear();
  batch.totals.clear();
  batch.held_out.clear();
  batch.whole_cuts = 0;
  batch.closed = false;
  free_.push_back(std::move(batch));
}

template <class T>
std::span<T> StageEvaluation<T>::payload_in(comm::Message& message, std::int64_t elements) {
  if (!message) return {};
  return message.template payload<T>().first(static_cast<std::size_t>(elements));
}

/// Of its cuts, one after the other.
template <class T>
std::span<T> StageEvaluation<T>::weights_of(Batch& batch) {
  auto const parameters = static_cast<std::size_t>(block_.parameter_count());
  return batch.weights.view().first(batch.cuts.size() * parameters);
}

/// All batches but the last are full, so the cuts of all are one list.
template <class T>
void StageEvaluation<T>::state(Archive& archive) {
  auto const group = archive.group("evaluation");
  std::int64_t first = batches_.first();
  archive.integer("first_batch", first);
  std::vector<double> plan_times;
  std::vector<std::int64_t> wall_ns;
  std::vector<std::int64_t> versions;
  std::int64_t const parameters = block_.parameter_count();
  for (std::int64_t b = first; b < batches_.end(); ++b) {
    Batch const& batch = batches_[b];
    for (std::size_t i = 0; i < batch.cuts.size(); ++i) {
      plan_times.push_back(batch.cuts[i].plan_time);
      wall_ns.push_back(batch.cuts[i].wall_ns);
      versions.push_back(batch.versions[i]);
    }
  }
  archive.numbers("plan_time", plan_times);
  archive.integers("wall_ns", wall_ns);
  archive.integers("version", versions);
  require_restored(
      first >= 0 && plan_times.size() == versions.size() && wall_ns.size() == versions.size(),
      "evaluation");
  if (archive.restores()) {
    batches_ = IndexedRing<Batch>(first);
    whole_batch_ = forward_batch_ = backward_batch_ = first;
    complete_cuts_ = first * plan_.versions_per_sweep;
    compute::Buffer<T> const blank(parameters);
    for (std::size_t i = 0; i < versions.size(); ++i)
      pin({plan_times[i], wall_ns[i]}, blank.view(), versions[i]);
  }
  visit_rows<T>(archive, "weights", std::ssize(versions), parameters, [&](std::int64_t i) {
    Batch& batch = batches_[first + i / plan_.versions_per_sweep];
    std::int64_t const at = i % plan_.versions_per_sweep * parameters;
    return batch.weights.view().subspan(static_cast<std::size_t>(at),
                                        static_cast<std::size_t>(parameters));
  });
  for (std::int64_t b = first; b < batches_.end(); ++b)
    batches_[b].whole_cuts = batches_[b].cuts.size();
  totals_state(archive);
}

/// Of the oldest batch, over the sweeps of rows that it has behind it. One that has a backward
/// sweep begins again: that sweep needs what the block keeps of the forward one.
template <class T>
void StageEvaluation<T>::totals_state(Archive& archive) {
  std::int64_t row_sweeps = plan_.backward ? 0 : forward_row_sweep_;
  archive.integer("row_sweeps", row_sweeps);
  bool const begun = 0 <= row_sweeps && row_sweeps < row_sweeps_ + held_out_row_sweeps_ &&
                     (row_sweeps == 0 || (!plan_.backward && !batches_.empty()));
  require_restored(begun, "evaluation");
  if (archive.restores()) forward_row_sweep_ = row_sweeps;
  if (!is_last() || row_sweeps == 0) return;
  constexpr std::size_t fields = sizeof(Score) / sizeof(double);
  for (auto const& [name, totals] :
       {std::pair{"totals", &Batch::totals}, {"held_out", &Batch::held_out}}) {
    std::vector<Score>& scores = batches_.front().*totals;
    std::vector<double> numbers(fields * scores.size());
    if (!scores.empty())
      std::memcpy(numbers.data(), scores.data(), numbers.size() * sizeof(double));
    archive.numbers(name, numbers);
    scores.resize(numbers.size() / fields);
    if (!scores.empty())
      std::memcpy(scores.data(), numbers.data(), numbers.size() * sizeof(double));
  }
}

template class StageEvaluation<float>;
template class StageEvaluation<double>;

}  // namespace quartic::engine
