#include "quartic/engine/stage.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::engine {

template <class T>
Stage<T>::Stage(Seat seat, int place, std::unique_ptr<nn::Block<T>> block, plan::Rules const& rules,
                plan::StagePeak const& peak, nn::OptimizerSpec const& optimizer,
                StageLinks const& links, StageSettings const& settings,
                comm::SharedClock const& clock, Recorder& recorder, nn::Pulse& pulse)
    : seat_(seat),
      place_(place),
      block_(std::move(block)),
      links_(links),
      settings_(settings),
      clock_(clock),
      recorder_(recorder),
      pulse_(pulse),
      sizes_(block_->sizes(settings.microbatch_size)),
      arena_({{{peak.activations, sizes_.saved}, {peak.flows, sizes_.flow}}}),
      trained_(nn::trained_parts(block_->parameters())),
      read_copies_(trained_),
      weights_(*block_, rules, seat.stage, optimizer, settings.learning_rate, settings.seed),
      noise_(settings.gradient_noise > 0 ? std::ssize(weights_.gradient()) : 0) {}

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
plan::UpdateView Stage<T>::update_view(std::int64_t microbatch, std::int64_t last) const {
  StepRow const& first = in_flight_[microbatch].row;
  plan::UpdateView view{.stage = seat_.stage,
                        .version = weights_.version(first.replica),
                        .minibatch = first.minibatch};
  std::int64_t oldest = view.version;
  for (Applied const& applied : applied_) oldest = std::min(oldest, applied.row.version_forward);
  for (std::int64_t j = microbatch; j <= last; ++j)
    oldest = std::min(oldest, in_flight_[j].row.version_forward);
  view.staleness_max = view.version - oldest;
  return view;
}

template <class T>
void Stage<T>::run(Pass const& pass) {
  if (pass.action.kind == plan::Kind::forward) return forward(pass);
  backward(pass);
}

/// An epoch is all microbatches of the data once, in order; pipeline p of P reads every P-th
/// microbatch from the p-th on. Where a method draws its microbatches, the epochs that they belong
/// to go back and forth.
template <class T>
nn::Batch Stage<T>::batch(std::int64_t microbatch, std::int64_t data_index) const {
  std::int64_t const of_all = data_index * settings_.pipelines + seat_.pipeline;
  std::int64_t const epoch = of_all / settings_.microbatches_an_epoch;
  std::int64_t const in_epoch = of_all % settings_.microbatches_an_epoch;
  return {microbatch, in_epoch * settings_.microbatch_size, settings_.microbatch_size, epoch};
}

template <class T>
void Stage<T>::forward(Pass const& pass) {
  std::int64_t const begin_ns = clock_.now_ns();
  std::int64_t const microbatch = pass.action.microbatch;
  InFlight& slot = in_flight_.push({});
  totals_.peak_activations = std::max(totals_.peak_activations, in_flight_.size());
  slot.saved = arena_.take(Arena<T>::saved);
  slot.read = pass.read;
  slot.tags = pass.tags;
  slot.data_index = pass.data_index;
  if (links_.activations_in != nullptr) slot.input = links_.activations_in->receive();
  if (slot.input) expect(slot.input, microbatch);
  comm::Message output = is_last() ? comm::Message() : links_.activations_out->acquire();
  auto const weights = weights_.forward(pass.read);
  if (!pass.ends) weights_.hold(pass.read);
  double const loss = block_->forward(batch(microbatch, pass.data_index), weights,
                                      std::as_const(slot.input).template payload<T>(),
                                      output.template payload<T>(), slot.saved, pulse_);
  if (output) {
    require_finite(output, microbatch, "the activations are");
    output.header() = {microbatch, pass.tags.forward, pass.read.replica};
    links_.activations_out->send(std::move(output));
  }
  ++forwards_;
  std::int64_t const end_ns = clock_.now_ns();
  totals_.forward_ns += end_ns - begin_ns;
  slot.row.forward_begin_ns = begin_ns;
  slot.row.forward_end_ns = end_ns;
  keep_stale_read(pass, weights);
  keep(slot, pass, weights);
  weights_.keep_from(pass.read.replica, pass.oldest_needed);
  event(pass, 'F', begin_ns, end_ns);
  if (!is_last()) return;
  recorder_.loss(place_, {seat_.pipeline, pass.read.replica, microbatch, pass.minibatch,
                          pass.plan_end, end_ns, loss});
  require_finite(loss, microbatch, "the loss is");
}

/// What the backward will need and record; nothing where it stops above this stage.
template <class T>
void Stage<T>::keep(InFlight& slot, Pass const& pass, std::span<T const> weights) {
  if (pass.ends) {
    give_back(slot);
    in_flight_.pop();
    ++backwards_;
    ++weight_backwards_;
    return;
  }
  StepRow& row = slot.row;
  row.microbatch = pass.action.microbatch;
  row.minibatch = pass.minibatch;
  row.replica = pass.read.replica;
  row.version_forward = pass.read.version;
  row.plan_forward = pass.plan_begin;
  row.wait_ns = pass.wait_ns;
  row.weight_copies = weights_.copies();
  row.activations = static_cast<std::int32_t>(in_flight_.size());
  if (settings_.displacement_every == 0 || row.microbatch % settings_.displacement_every != 0)
    return;
  slot.displacement_origin = read_copies_.keep(weights);
}

/// Also where the stage keeps nothing else of the microbatch, because its backward stops above.
template <class T>
void Stage<T>::keep_stale_read(Pass const& pass, std::span<T const> weights) {
  std::int64_t const every = seat_.pipeline == 0 ? settings_.stale_read_every : 0;
  std::int64_t const microbatch = pass.action.microbatch;
  if (every == 0 || microbatch % every != 0) return;
  sampled_reads_.push({microbatch, pass.read.replica, read_copies_.keep(weights)});
}

template <class T>
void Stage<T>::sample_stale_read(StaleReadCut const& cut) {
  if (sampled_reads_.empty() || sampled_reads_.front().microbatch > cut.microbatch) return;
  SampledRead read = sampled_reads_.pop();
  QUARTIC_ASSERT(read.microbatch == cut.microbatch);
  double const moved = read_copies_.distance_sq(weights_.live(read.replica), std::move(read.copy));
  recorder_.stale_read(place_, {cut.microbatch, plan::to_units(cut.time), moved});
}

template <class T>
void Stage<T>::backward(Pass const& pass) {
  plan::Kind const kind = pass.action.kind;
  std::int64_t const begin_ns = clock_.now_ns();
  if (pass.piece == 0) {
    action_begin_ns_ = begin_ns;
    action_activations_ = static_cast<std::int32_t>(in_flight_.size());
    action_copies_ = weights_.copies();
  }
  int const replica = pass.read.replica;
  if (kind != plan::Kind::backward_weight) backward_input(pass);
  if (kind != plan::Kind::backward_input) backward_weight(pass);
  std::int64_t const end_ns = clock_.now_ns();
  totals_.backward_ns += end_ns - begin_ns;
  if (kind != plan::Kind::backward_input) applied_.back().row.backward_end_ns = end_ns;
  if (!pass.is_last_piece()) return;
  event(pass, plan::letter(kind), action_begin_ns_, end_ns);
  if (pass.updates) {
    update(pass, end_ns);
  } else {
    weights_.keep_from(replica, pass.oldest_needed);
  }
}

template <class T>
void Stage<T>::backward_input(Pass const& pass) {
  std::int64_t const microbatch = pass.action.microbatch;
  InFlight& slot = in_flight_[microbatch];
  if (links_.gradients_in != nullptr) {
    slot.output_gradient = links_.gradients_in->receive();
    expect(slot.output_gradient, microbatch);
  }
  slot.read = pass.read;
  slot.tags = pass.tags;
  StepRow& row = slot.row;
  row.version_backward = pass.read.recorded_version();
  row.drift = row.version_backward - row.version_forward;
  row.backward_begin_ns = action_begin_ns_;
  row.plan_backward = pass.plan_begin;
  row.wait_ns += pass.wait_ns;
  slot.flow = arena_.take(Arena<T>::flow);
  comm::Message gradient = pass.sends ? links_.gradients_out->acquire() : comm::Message();
  slot.is_whole = pass.action.kind == plan::Kind::backward && !gradient;
  auto const weights = weights_.backward(slot.read);
  auto const input = std::as_const(slot.input).template payload<T>();
  auto const output_gradient = std::as_const(slot.output_gradient).template payload<T>();
  if (slot.is_whole) {
    block_->backward(batch(microbatch, slot.data_index), weights, input, slot.saved,
                     output_gradient, slot.flow,
                     weights_.begin_gradient(pass.read.replica, row.version_forward), pulse_);
  } else {
    block_->backward_input(batch(microbatch, slot.data_index), weights, input, slot.saved,
                           output_gradient, gradient.template payload<T>(), slot.flow, pulse_);
  }
  if (gradient) {
    require_finite(gradient, microbatch, "the input gradient is");
    gradient.header() = {microbatch, slot.tags.backward, pass.read.replica};
    held_back_.push_back(std::move(gradient));
    // Sent before the weight half, so that the stage below can start.
    if (pass.is_last_piece()) send_gradients();
  }
  ++backwards_;
  if (pass.action.kind != plan::Kind::backward_input || !pass.ends) return;
  InFlight ended = in_flight_.pop();  // the sampled stage is below
  give_back(ended);
  ++weight_backwards_;
}

template <class T>
void Stage<T>::send_gradients() {
  for (comm::Message& gradient : held_back_) links_.gradients_out->send(std::move(gradient));
  held_back_.clear();
}

template <class T>
void Stage<T>::backward_weight(Pass const& pass) {
  InFlight slot = in_flight_.pop();
  int const replica = slot.read.replica;
  std::int64_t const version = slot.row.version_forward;
  slot.row.activations = std::max(slot.row.activations, action_activations_);
  slot.row.weight_copies = std::max(slot.row.weight_copies, action_copies_);
  if (!slot.is_whole) {
    block_->backward_weight(batch(pass.action.microbatch, slot.data_index),
                            weights_.backward(slot.read),
                            std::as_const(slot.input).template payload<T>(), slot.saved,
                            std::as_const(slot.output_gradient).template payload<T>(), slot.flow,
                            weights_.begin_gradient(replica, version), pulse_);
  }
  weights_.finish_gradient(replica, version);
  if (settings_.gradient_noise > 0) add_noise(pass.action.microbatch);
  give_back(slot);
  applied_.push_back({slot.row, std::move(slot.displacement_origin)});
  ++weight_backwards_;
}

/// Returns what a microbatch has held at this stage.
template <class T>
void Stage<T>::give_back(InFlight& slot) {
  if (slot.input) links_.activations_in->give_back(std::move(slot.input));
  if (slot.output_gradient) links_.gradients_in->give_back(std::move(slot.output_gradient));
  arena_.give_back(Arena<T>::saved, slot.saved);
  if (slot.row.version_backward >= 0) arena_.give_back(Arena<T>::flow, slot.flow);
  if (slot.row.version_forward >= 0) {
    weights_.release(slot.read.replica, slot.row.version_forward);
  }
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
void Stage<T>::update(Pass const& pass, std::int64_t begin_ns) {
  int const replica = applied_.back().row.replica;
  for (Applied& applied : applied_) {
    if (applied.displacement_origin.size() == 0) continue;
    applied.row.displacement_sq =
        read_copies_.distance_sq(weights_.live(replica), std::move(applied.displacement_origin));
  }
  std::int64_t const version = weights_.version(replica);
  auto const [learning_rate, gradient_sq] = weights_.update(replica, pass.rate, pass.oldest_needed);
  require_finite(gradient_sq, applied_.back().row.microbatch, "the gradient or its update is");
  for (Applied& applied : applied_) complete(applied, version, gradient_sq, learning_rate);
  totals_.update_ns += clock_.now_ns() - begin_ns;
}

template <class T>
void Stage<T>::average_replicas(std::int64_t microbatch) {
  std::int64_t const begin_ns = clock_.now_ns();
  weights_.average();
  require_finite_average(0, microbatch);  // all are equal now
  totals_.update_ns += clock_.now_ns() - begin_ns;
}

template <class T>
void Stage<T>::require_finite_average(int replica, std::int64_t microbatch) const {
  if (!compute::is_finite(weights_.live(replica))) diverged(microbatch, "the averaged weights are");
}

template <class T>
void Stage<T>::complete(Applied& applied, std::int64_t version, double gradient_sq,
                        double learning_rate) {
  StepRow& row = applied.row;
  row.version_applied = version;
  row.staleness = row.version_applied - row.version_forward;
  row.gradient_sq = gradient_sq;
  row.learning_rate = learning_rate;
  ++totals_.steps;
  totals_.staleness_sum += row.staleness;
  totals_.staleness_max = std::max(totals_.staleness_max, row.staleness);
  totals_.drift_sum += row.drift;
  totals_.drift_max = std::max(totals_.drift_max, row.drift);
}

template <class T>
void Stage<T>::record_steps(std::span<plan::PlannedStep const> planned) {
  for (std::size_t i = 0; i < applied_.size(); ++i) {
    StepRow& row = applied_[i].row;
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
    recorder_.step(place_, row);
  }
  applied_.clear();
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
void Stage<T>::event(Pass const& pass, char action, std::int64_t begin_ns, std::int64_t end_ns) {
  if (!settings_.events) return;
  recorder_.event(place_, {.action = action,
                           .microbatch = pass.action.microbatch - pass.piece,
                           .plan_begin = pass.plan_begin,
                           .plan_end = pass.plan_end,
                           .begin_ns = begin_ns,
                           .end_ns = end_ns});
}

template <class T>
void Stage<T>::waited_ns(plan::Kind kind, std::int64_t duration) {
  (kind == plan::Kind::forward ? totals_.wait_activations_ns : totals_.wait_gradients_ns) +=
      duration;
}

template <class T>
std::int64_t Stage<T>::peak_activation_bytes() const {
  return totals_.peak_activations * sizes_.saved * static_cast<std::int64_t>(sizeof(T)) +
         peak_input_bytes();
}

template <class T>
std::int64_t Stage<T>::peak_input_bytes() const {
  return totals_.peak_activations * sizes_.input * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
std::int64_t Stage<T>::buffer_bytes() const {
  return noise_.size() * static_cast<std::int64_t>(sizeof(T)) + arena_.bytes(Arena<T>::flow) +
         weights_.buffer_bytes();
}

template class Stage<float>;
template class Stage<double>;

}  // namespace quartic::engine
