#include "quartic/engine/in_flight.hpp"

#include <utility>
#include <vector>

#include "quartic/engine/visit_messages.hpp"

namespace quartic::engine {

template <class T>
InFlight<T>::InFlight(StageLinks const& links, nn::Sizes const& sizes, plan::StagePeak const& peak)
    : links_(links),
      sizes_(sizes),
      arena_({{{peak.activations, sizes.saved}, {peak.flows, sizes.flow}}}) {}

template <class T>
Held<T>& InFlight<T>::begin() {
  Held<T>& held = held_.push({});
  held.saved = arena_.take(Arena<T>::saved);
  if (links_.activations_in != nullptr) held.input = links_.activations_in->receive();
  return held;
}

template <class T>
void InFlight<T>::begin_backward(Held<T>& held) {
  held.is_in_backward = true;
  held.flow = arena_.take(Arena<T>::flow);
  if (links_.gradients_in != nullptr) held.output_gradient = links_.gradients_in->receive();
}

template <class T>
void InFlight<T>::end() {
  Held<T> held = held_.pop();
  if (held.input) links_.activations_in->give_back(std::move(held.input));
  if (held.output_gradient) links_.gradients_in->give_back(std::move(held.output_gradient));
  arena_.give_back(Arena<T>::saved, held.saved);
  if (held.is_in_backward) arena_.give_back(Arena<T>::flow, held.flow);
}

template <class T>
void InFlight<T>::state(Archive& archive, std::int64_t oldest, std::int64_t next,
                        std::function<bool(std::int64_t)> const& is_in_backward) {
  if (archive.restores()) {
    held_ = IndexedRing<Held<T>>(oldest);
    while (held_.end() < next) held_.push({}).saved = arena_.take(Arena<T>::saved);
    for (std::int64_t j = oldest; j < next; ++j) held_[j].is_in_backward = is_in_backward(j);
  }
  std::vector<Held<T>*> all;
  for (std::int64_t j = oldest; j < next; ++j) all.push_back(&held_[j]);
  integers_of(
      archive, "data_index", all, [](auto* h) -> auto& { return h->data_index; });
  integers_of(
      archive, "tag_forward", all, [](auto* h) -> auto& { return h->tags.forward; });
  integers_of(
      archive, "tag_backward", all, [](auto* h) -> auto& { return h->tags.backward; });
  integers_of(
      archive, "replica", all, [](auto* h) -> auto& { return h->read.replica; });
  integers_of(
      archive, "version", all, [](auto* h) -> auto& { return h->read.version; });
  integers_of(
      archive, "second", all, [](auto* h) -> auto& { return h->read.recorded; });
  integers_of(
      archive, "delay", all, [](auto* h) -> auto& { return h->read.delay; });
  visit_rows<T>(archive, "saved", next - oldest, sizes_.saved,
                [&](std::int64_t i) { return held_[oldest + i].saved; });
  if (links_.activations_in != nullptr) {
    if (archive.restores()) {
      for (Held<T>* const each : all) each->input = links_.activations_in->spare();
    }
    visit_messages<T>(archive, "input", next - oldest,
                      [&](std::int64_t i) -> comm::Message& { return held_[oldest + i].input; });
  }
  halves_state(archive);
}

/// Microbatches whose input half is done and whose weight half is not.
template <class T>
void InFlight<T>::halves_state(Archive& archive) {
  auto const group = archive.group("between_halves");
  std::vector<Held<T>*> all;
  for (std::int64_t j = held_.first(); j < held_.end(); ++j) {
    if (held_[j].is_in_backward) all.push_back(&held_[j]);
  }
  auto const held = [&](std::int64_t i) -> Held<T>& { return *all[static_cast<std::size_t>(i)]; };
  if (archive.restores()) {
    for (Held<T>* const each : all) each->flow = arena_.take(Arena<T>::flow);
  }
  visit_rows<T>(archive, "flow", std::ssize(all), sizes_.flow,
                [&](std::int64_t i) { return held(i).flow; });
  if (links_.gradients_in == nullptr) return;
  if (archive.restores()) {
    for (Held<T>* const each : all) each->output_gradient = links_.gradients_in->spare();
  }
  visit_messages<T>(archive, "output_gradient", std::ssize(all),
                    [&](std::int64_t i) -> comm::Message& { return held(i).output_gradient; });
}

template class InFlight<float>;
template class InFlight<double>;

}  // namespace quartic::engine
