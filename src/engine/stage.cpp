#include "quartic/engine/stage.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"
#include "quartic/engine/visit_messages.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::engine {

template <class T>
Stage<T>::Stage(StageSite const& site, std::unique_ptr<nn::Block<T>> block,
                plan::Rules const& rules, StageSettings const& settings,
                RankServices const& services)
    : seat_(site.seat),
      block_(std::move(block)),
      links_(site.links),
      settings_(settings),
      clock_(services.clock),
      pulse_(services.pulse),
      trained_(nn::trained_parts(block_->parameters())),
      in_flight_(site.links, block_->sizes(settings.microbatch_size), site.peak),
      weights_(*block_, rules, seat_.stage, settings.optimizer, settings.learning_rate,
               settings.seed),
      rows_(seat_, site.local_stage, settings, block_->parameter_count(), trained_,
            services.recorder),
      noise_(settings.gradient_noise > 0 ? block_->parameter_count() : 0) {}

template <class T>
plan::StageView Stage<T>::view() {
  plan::StageView view{seat_.stage,         forwards_, backwards_, weight_backwards_,
                       weights_.versions(), forwards_, backwards_};
  if (ready(plan::Kind::forward)) ++view.forward_ready;
  if (ready(plan::Kind::backward)) ++view.backward_ready;
  return view;
}

template <class T>
bool Stage<T>::ready(plan::Kind kind) {
  if (kind == plan::Kind::forward) {
    if (links_.activations_in == nullptr) return forwards_ < settings_.microbatches;
    return links_.activations_in->arrived();
  }
  if (kind == plan::Kind::backward_weight) return weight_backwards_ < backwards_;
  if (links_.gradients_in == nullptr) return backwards_ < forwards_;
  return links_.gradients_in->arrived();
}

template <class T>
plan::Tags Stage<T>::next_tags() const {
  if (links_.activations_in == nullptr) return {weights_.versions(), 0};
  return {links_.activations_in->front().header().tag, 0};
}

template <class T>
plan::UpdateView Stage<T>::update_view(std::int64_t first, std::int64_t last) const {
  StepRow const& row = rows_.row(first);
  std::int64_t const version = weights_.version(row.replica);
  return {.stage = seat_.stage,
          .version = version,
          .minibatch = row.minibatch,
          .staleness_max = version - rows_.oldest_version(first, last)};
}

template <class T>
void Stage<T>::run(plan::Decision const& decision, std::size_t index, std::int64_t wait_ns) {
  if (decision.action.kind == plan::Kind::forward) return forward(decision, wait_ns);
  backward(decision, index, wait_ns);
}

/// An epoch is all microbatches of the data once, in order; pipeline p of P reads every P-th
/// microbatch from the p-th on. Where a method draws its microbatches, the epochs that they belong
/// to go back and forth.
template <class T>
nn::Batch Stage<T>::batch(plan::Pass const& pass) const {
  std::int64_t const of_all = pass.data_index * settings_.pipelines + seat_.pipeline;
  std::int64_t const epoch = of_all / settings_.microbatches_an_epoch;
  std::int64_t const in_epoch = of_all % settings_.microbatches_an_epoch;
  return {pass.microbatch, in_epoch * settings_.microbatch_size, settings_.microbatch_size, epoch};
}

template <class T>
void Stage<T>::forward(plan::Decision const& decision, std::int64_t wait_ns) {
  std::int64_t const begin_ns = clock_.now_ns();
  plan::Pass const& pass = decision.passes.front();
  Held<T>& held = in_flight_.begin();
  held.read = pass.read;
  held.tags = decision.tags;
  held.data_index = pass.data_index;
  if (held.input) expect(held.input, pass.microbatch);
  comm::Message output = is_last() ? comm::Message() : links_.activations_out->acquire();
  auto const weights = weights_.forward(pass.read);
  if (!decision.ends) weights_.hold(pass.read);
  double const loss =
      block_->forward(batch(pass), weights, std::as_const(held.input).template payload<T>(),
                      output.template payload<T>(), held.saved, pulse_);
  if (output) {
    require_finite(output, pass.microbatch, "the activations are");
    output.header() = {pass.microbatch, decision.tags.forward, pass.read.replica};
    links_.activations_out->send(std::move(output));
  }
  ++forwards_;
  std::int64_t const end_ns = clock_.now_ns();
  rows_.forward(decision, weights, counts(), {begin_ns, end_ns}, wait_ns);
  if (decision.ends) {  // its backward stops above
    in_flight_.end();
    ++backwards_;
    ++weight_backwards_;
  }
  weights_.keep_from(pass.read.replica, decision.oldest_needed);
  if (!is_last()) return;
  rows_.loss(decision, loss, end_ns);
  require_finite(loss, pass.microbatch, "the loss is");
}

template <class T>
void Stage<T>::backward(plan::Decision const& decision, std::size_t index, std::int64_t wait_ns) {
  plan::Kind const kind = decision.action.kind;
  plan::Pass const& pass = decision.passes[index];
  bool const is_last_pass = index + 1 == decision.passes.size();
  std::int64_t const begin_ns = clock_.now_ns();
  if (index == 0) rows_.begin_backward(counts(), begin_ns);
  if (kind != plan::Kind::backward_weight) backward_input(decision, index, wait_ns);
  if (kind != plan::Kind::backward_input) backward_weight(pass);
  std::int64_t const end_ns = clock_.now_ns();
  rows_.end_backward(decision, {begin_ns, end_ns}, is_last_pass);
  if (!is_last_pass) return;
  if (decision.updates) {
    update(decision, end_ns);
  } else {
    weights_.keep_from(pass.read.replica, decision.oldest_needed);
  }
}

template <class T>
void Stage<T>::backward_input(plan::Decision const& decision, std::size_t index,
                              std::int64_t wait_ns) {
  plan::Pass const& pass = decision.passes[index];
  plan::Kind const kind = decision.action.kind;
  Held<T>& held = in_flight_[pass.microbatch];
  in_flight_.begin_backward(held);
  if (held.output_gradient) expect(held.output_gradient, pass.microbatch);
  held.read = pass.read;
  held.tags = decision.tags;
  rows_.backward_input(decision, pass, wait_ns);
  comm::Message gradient = decision.sends ? links_.gradients_out->acquire() : comm::Message();
  held.is_whole = kind == plan::Kind::backward && !gradient;
  auto const weights = weights_.backward(pass.read);
  auto const input = std::as_const(held.input).template payload<T>();
  auto const output_gradient = std::as_const(held.output_gradient).template payload<T>();
  if (held.is_whole) {
    std::int64_t const version = rows_.row(pass.microbatch).version_forward;
    block_->backward(batch(pass), weights, input, held.saved, output_gradient, held.flow,
                     weights_.begin_gradient(pass.read.replica, version), pulse_);
  } else {
    block_->backward_input(batch(pass), weights, input, held.saved, output_gradient,
                           gradient.template payload<T>(), held.flow, pulse_);
  }
  if (gradient) {
    require_finite(gradient, pass.microbatch, "the input gradient is");
    gradient.header() = {pass.microbatch, decision.tags.backward, pass.read.replica};
    held_back_.push_back(std::move(gradient));
    // Sent before the weight half, so that the stage below can start.
    if (index + 1 == decision.passes.size()) send_gradients();
  }
  ++backwards_;
  if (kind != plan::Kind::backward_input || !decision.ends) return;
  end(pass);  // the sampled stage is below
  rows_.drop();
}

template <class T>
void Stage<T>::send_gradients() {
  for (comm::Message& gradient : held_back_) links_.gradients_out->send(std::move(gradient));
  held_back_.clear();
}

template <class T>
void Stage<T>::backward_weight(plan::Pass const& pass) {
  Held<T> const& held = in_flight_[pass.microbatch];
  std::int64_t const version = rows_.row(pass.microbatch).version_forward;
  if (!held.is_whole) {
    block_->backward_weight(batch(pass), weights_.backward(held.read),
                            held.input.template payload<T>(), held.saved,
                            held.output_gradient.template payload<T>(), held.flow,
                            weights_.begin_gradient(pass.read.replica, version), pulse_);
  }
  weights_.finish_gradient(pass.read.replica, version);
  if (settings_.gradient_noise > 0) add_noise(pass.microbatch);
  end(pass);
  rows_.accumulate();
}

/// The oldest microbatch's backward is done here: gives back what it has held.
template <class T>
void Stage<T>::end(plan::Pass const& pass) {
  weights_.release(pass.read.replica, rows_.row(pass.microbatch).version_forward);
  in_flight_.end();
  ++weight_backwards_;
}

template <class T>
void Stage<T>::add_noise(std::int64_t microbatch) {
  std::int64_t const of_all = microbatch * settings_.pipelines + seat_.pipeline;
  compute::write_by_host(noise_.view(), drawn_, [&](std::span<T> noise) {
    Stream(settings_.seed, StreamName::gradient_noise, static_cast<std::uint32_t>(seat_.stage),
           static_cast<std::uint64_t>(of_all))
        .normals(noise);
  });
  auto const scale = static_cast<T>(settings_.gradient_noise * settings_.gradient_scale);
  for (Part const& part : trained_) {
    auto const first = static_cast<std::size_t>(part.first);
    auto const size = static_cast<std::size_t>(part.size);
    compute::add_scaled<T>(scale, std::as_const(noise_).view().subspan(first, size),
                           weights_.gradient().subspan(first, size));
  }
}

template <class T>
void Stage<T>::update(plan::Decision const& decision, std::int64_t begin_ns) {
  plan::Pass const& last = decision.passes.back();
  int const replica = last.read.replica;
  rows_.measure_displacements(weights_.live(replica));
  std::int64_t const version = weights_.version(replica);
  auto const updated = weights_.update(replica, decision.rate, decision.oldest_needed);
  require_finite(updated.gradient_sq, last.microbatch, "the gradient or its update is");
  rows_.update(version, updated);
  rows_.add_update({begin_ns, clock_.now_ns()});
}

template <class T>
void Stage<T>::average_replicas(std::int64_t microbatch) {
  std::int64_t const begin_ns = clock_.now_ns();
  weights_.average();
  require_finite_average(0, microbatch);  // all are equal now
  rows_.add_update({begin_ns, clock_.now_ns()});
}

template <class T>
void Stage<T>::require_finite_average(int replica, std::int64_t microbatch) const {
  if (!compute::is_finite(weights_.live(replica))) diverged(microbatch, "the averaged weights are");
}

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
  visit_waiting<T>(archive, "activations_in_transit", links_.activations_in, coming.activations);
  visit_waiting<T>(archive, "gradients_in_transit", links_.gradients_in, coming.gradients);
  rows_.state(archive);
}

template <class T>
void Stage<T>::in_flight_state(Archive& archive) {
  auto const group = archive.group("in_flight");
  std::int64_t first = in_flight_.oldest();
  std::int64_t end = in_flight_.next();
  archive.integer("first", first);
  archive.integer("end", end);
  bool const as_counted = first == weight_backwards_ && end == forwards_;
  require_restored(as_counted && first <= end && end <= settings_.microbatches, "in_flight");
  rows_.in_flight_state(archive, first, end);
  in_flight_.state(archive, first, end,
                   [&](std::int64_t j) { return rows_.row(j).version_backward >= 0; });
}

template <class T>
void Stage<T>::expect(comm::Message const& message, std::int64_t microbatch) const {
  if (message.header().microbatch == microbatch) return;
  failure(
      "stage {} expected the message of microbatch {} but received the message of microbatch {}",
      seat_.stage, microbatch, message.header().microbatch);
}

/// Nothing else goes to another stage, so what is not finite is found where it arises.
template <class T>
void Stage<T>::require_finite(comm::Message const& message, std::int64_t microbatch,
                              char const* what) const {
  if (!compute::is_finite(message.payload<T>())) diverged(microbatch, what);
}

template <class T>
void Stage<T>::require_finite(double value, std::int64_t microbatch, char const* what) const {
  if (!std::isfinite(value)) diverged(microbatch, what);
}

template <class T>
void Stage<T>::diverged(std::int64_t microbatch, char const* what) const {
  std::string const where =
      settings_.pipelines > 1 ? fmt::format(" in pipeline {}", seat_.pipeline) : "";
  throw Divergence(seat_.stage, microbatch, fmt::format("{} not finite{}", what, where));
}

template <class T>
std::int64_t Stage<T>::peak_activation_bytes() const {
  return in_flight_.saved_bytes(rows_.totals().peak_activations) + peak_input_bytes();
}

template <class T>
std::int64_t Stage<T>::peak_input_bytes() const {
  return in_flight_.input_bytes(rows_.totals().peak_activations);
}

template <class T>
std::int64_t Stage<T>::buffer_bytes() const {
  return noise_.size() * static_cast<std::int64_t>(sizeof(T)) + in_flight_.flow_bytes() +
         weights_.buffer_bytes();
}

template class Stage<float>;
template class Stage<double>;

}  // namespace quartic::engine
