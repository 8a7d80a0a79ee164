// What a checkpoint has of a stage: Stage's other half, between two of its actions.
#include <algorithm>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/engine/stage.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

/// Headers and payloads of `count` messages; `message(i)` must be there.
template <class T, class Of>
void visit_messages(Archive& archive, std::string const& name, std::int64_t count, Of message) {
  auto const group = archive.group(name);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  auto const header = [&](std::int64_t i) -> comm::Header& { return message(i).header(); };
  integers_of(
      archive, "microbatch", order, [&](auto i) -> auto& { return header(i).microbatch; });
  integers_of(
      archive, "tag", order, [&](auto i) -> auto& { return header(i).tag; });
  integers_of(
      archive, "replica", order, [&](auto i) -> auto& { return header(i).replica; });
  std::int64_t const columns = count == 0 ? 0 : std::ssize(message(0).template payload<T>());
  visit_rows<T>(archive, "payload", count, columns,
                [&](std::int64_t i) { return message(i).template payload<T>(); });
}

/// Messages that wait at an inbox, of which `count` belong to the state.
template <class T>
void visit_waiting(Archive& archive, std::string const& name, comm::Inbox* inbox,
                   std::int64_t count) {
  if (inbox == nullptr) return;
  if (archive.restores()) {
    for (std::int64_t i = 0; i < count; ++i) inbox->put(inbox->spare());
  }
  visit_messages<T>(archive, name, count,
                    [&](std::int64_t i) -> comm::Message& { return inbox->waiting(i); });
}

}  // namespace

template <class T>
bool Stage<T>::received(InTransit const& coming) {
  return (links_.activations_in == nullptr || links_.activations_in->arrived(coming.activations)) &&
         (links_.gradients_in == nullptr || links_.gradients_in->arrived(coming.gradients));
}

template <class T>
void Stage<T>::state(Archive& archive, InTransit const& coming) {
  QUARTIC_ASSERT(held_back_.empty());
  archive.integer("forwards", forwards_);
  archive.integer("backwards", backwards_);
  archive.integer("weight_backwards", weight_backwards_);
  {
    auto const group = archive.group("weights");
    weights_.state(archive);
  }
  in_flight_state(archive);
  applied_state(archive);
  sampled_reads_state(archive);
  visit_waiting<T>(archive, "activations_in_transit", links_.activations_in, coming.activations);
  visit_waiting<T>(archive, "gradients_in_transit", links_.gradients_in, coming.gradients);
  totals_state(archive);
  recorder_.state(place_, archive);
}

/// The microbatches in flight, by number from the oldest; rows, saved numbers and inputs are arrays
/// over them, flows and output gradients over those between the halves of their backward.
template <class T>
void Stage<T>::in_flight_state(Archive& archive) {
  auto const group = archive.group("in_flight");
  std::int64_t first = in_flight_.first();
  std::int64_t end = in_flight_.end();
  archive.integer("first", first);
  archive.integer("end", end);
  bool const as_counted = first == weight_backwards_ && end == forwards_;
  require_restored(as_counted && first <= end && end <= settings_.microbatches, "in_flight");
  if (archive.restores()) {
    in_flight_ = IndexedRing<InFlight>(first);
    while (in_flight_.end() < end) in_flight_.push({}).saved = arena_.take(Arena<T>::saved);
  }
  std::vector<InFlight*> slots;
  for (std::int64_t j = first; j < end; ++j) slots.push_back(&in_flight_[j]);
  auto const slot = [&](std::int64_t i) -> InFlight& {
    return *slots[static_cast<std::size_t>(i)];
  };

  std::vector<StepRow> rows;
  rows.reserve(slots.size());
  for (InFlight const* const each : slots) rows.push_back(each->row);
  archive.steps("rows", rows);
  require_restored(rows.size() == slots.size(), "in_flight/rows");
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i]->row = rows[i];
  integers_of(
      archive, "data_index", slots, [](auto* s) -> auto& { return s->data_index; });
  integers_of(
      archive, "tag_forward", slots, [](auto* s) -> auto& { return s->tags.forward; });
  integers_of(
      archive, "tag_backward", slots, [](auto* s) -> auto& { return s->tags.backward; });
  integers_of(
      archive, "replica", slots, [](auto* s) -> auto& { return s->read.replica; });
  integers_of(
      archive, "version", slots, [](auto* s) -> auto& { return s->read.version; });
  integers_of(
      archive, "second", slots, [](auto* s) -> auto& { return s->read.recorded; });
  integers_of(
      archive, "delay", slots, [](auto* s) -> auto& { return s->read.delay; });
  visit_rows<T>(archive, "saved", end - first, sizes_.saved,
                [&](std::int64_t i) { return slot(i).saved; });
  if (links_.activations_in != nullptr) {
    if (archive.restores()) {
      for (InFlight* const each : slots) each->input = links_.activations_in->spare();
    }
    visit_messages<T>(archive, "input", end - first,
                      [&](std::int64_t i) -> comm::Message& { return slot(i).input; });
  }
  origins_state(archive, slots);
  std::erase_if(slots, [](InFlight const* each) { return each->row.version_backward < 0; });
  halves_state(archive, slots);
}

/// Of microbatches whose input half is done and whose weight half is not.
template <class T>
void Stage<T>::halves_state(Archive& archive, std::vector<InFlight*> const& slots) {
  auto const group = archive.group("between_halves");
  auto const slot = [&](std::int64_t i) -> InFlight& {
    return *slots[static_cast<std::size_t>(i)];
  };
  if (archive.restores()) {
    for (InFlight* const each : slots) each->flow = arena_.take(Arena<T>::flow);
  }
  visit_rows<T>(archive, "flow", std::ssize(slots), sizes_.flow,
                [&](std::int64_t i) { return slot(i).flow; });
  if (links_.gradients_in == nullptr) return;
  if (archive.restores()) {
    for (InFlight* const each : slots) each->output_gradient = links_.gradients_in->spare();
  }
  visit_messages<T>(archive, "output_gradient", std::ssize(slots),
                    [&](std::int64_t i) -> comm::Message& { return slot(i).output_gradient; });
}

/// The copies that sampled displacements start from, of whatever has a row.
template <class T>
template <class Holder>
void Stage<T>::origins_state(Archive& archive, std::vector<Holder*> holders) {
  if (settings_.displacement_every == 0) return;
  std::erase_if(holders, [&](Holder const* each) {
    return each->row.microbatch % settings_.displacement_every != 0;
  });
  std::int64_t const parameters = std::ssize(weights_.gradient());
  if (archive.restores()) {
    for (Holder* const each : holders) each->displacement_origin = compute::Buffer<T>(parameters);
  }
  visit_rows<T>(archive, "displacement_origin", std::ssize(holders), parameters,
                [&](std::int64_t i) {
                  return holders[static_cast<std::size_t>(i)]->displacement_origin.view();
                });
}

/// Microbatches whose gradients wait for their update.
template <class T>
void Stage<T>::applied_state(Archive& archive) {
  auto const group = archive.group("accumulated");
  std::vector<StepRow> rows;
  rows.reserve(applied_.size());
  for (Applied const& each : applied_) rows.push_back(each.row);
  archive.steps("rows", rows);
  if (archive.restores()) applied_ = std::vector<Applied>(rows.size());
  std::vector<Applied*> holders;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    applied_[i].row = rows[i];
    holders.push_back(&applied_[i]);
  }
  origins_state(archive, holders);
}

template <class T>
void Stage<T>::sampled_reads_state(Archive& archive) {
  if (settings_.stale_read_every == 0) return;
  auto const group = archive.group("stale_reads");
  std::int64_t count = sampled_reads_.size();
  archive.integer("count", count);
  require_restored(0 <= count && count <= forwards_, "stale_reads");
  std::int64_t const parameters = std::ssize(weights_.gradient());
  if (archive.restores()) {
    while (sampled_reads_.size() < count)
      sampled_reads_.push({-1, 0, compute::Buffer<T>(parameters)});
  }
  std::vector<SampledRead*> reads;
  for (std::int64_t i = sampled_reads_.first(); i < sampled_reads_.end(); ++i)
    reads.push_back(&sampled_reads_[i]);
  integers_of(
      archive, "microbatch", reads, [](auto* r) -> auto& { return r->microbatch; });
  integers_of(
      archive, "replica", reads, [](auto* r) -> auto& { return r->replica; });
  visit_rows<T>(archive, "read", count, parameters,
                [&](std::int64_t i) { return reads[static_cast<std::size_t>(i)]->copy.view(); });
}

/// So that the closing table is that of the whole run.
template <class T>
void Stage<T>::totals_state(Archive& archive) {
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

template bool Stage<float>::received(InTransit const&);
template bool Stage<double>::received(InTransit const&);
template void Stage<float>::state(Archive&, InTransit const&);
template void Stage<double>::state(Archive&, InTransit const&);

}  // namespace quartic::engine
