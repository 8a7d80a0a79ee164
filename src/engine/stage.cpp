#include "quartic/engine/stage.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"

namespace quartic::engine {
namespace {

template <class T>
double distance_sq(std::span<T const> a, std::span<T const> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double const difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

template <class T>
Stage<T>::Stage(int index, std::unique_ptr<nn::Block<T>> block,
                std::unique_ptr<nn::Optimizer<T>> optimizer, StageLinks const& links,
                StageSettings const& settings, comm::SharedClock const& clock, Recorder& recorder,
                nn::Pulse& pulse)
    : index_(index),
      block_(std::move(block)),
      optimizer_(std::move(optimizer)),
      links_(links),
      settings_(settings),
      clock_(clock),
      recorder_(recorder),
      pulse_(pulse),
      sizes_(block_->sizes(settings.microbatch_size)),
      weights_(block_->parameter_count()),
      gradient_(static_cast<std::size_t>(block_->parameter_count())),
      noise_(settings.gradient_noise > 0 ? gradient_.size() : 0) {
  block_->initialise(weights_.initial(), settings.seed);
}

template <class T>
plan::StageView Stage<T>::view() {
  plan::StageView view{index_,          forwards_, backwards_, weight_backwards_,
                       weights_.live(), forwards_, backwards_};
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
std::int64_t Stage<T>::next_tag() const {
  if (links_.activations_in == nullptr) return weights_.live();
  return links_.activations_in->front().header().tag;
}

template <class T>
void Stage<T>::run(Pass const& pass) {
  if (pass.action.kind == plan::Kind::forward) return forward(pass);
  std::int64_t const begin_ns = clock_.now_ns();
  if (pass.action.kind != plan::Kind::backward_weight) backward_input(pass, begin_ns);
  if (pass.action.kind != plan::Kind::backward_input) backward_weight(pass);
  std::int64_t const end_ns = clock_.now_ns();
  totals_.backward_ns += end_ns - begin_ns;
  event(pass, plan::letter(pass.action.kind), begin_ns, end_ns);
  if (pass.action.kind != plan::Kind::backward_input) applied_.back().row.backward_end_ns = end_ns;
  if (pass.updates) {
    update(pass.oldest_needed, end_ns);
  } else {
    weights_.keep_from(pass.oldest_needed);
  }
}

template <class T>
nn::Batch Stage<T>::batch(std::int64_t microbatch) const {
  std::int64_t const in_epoch = microbatch % settings_.microbatches_an_epoch;
  return {microbatch, in_epoch * settings_.microbatch_size, settings_.microbatch_size};
}

template <class T>
void Stage<T>::forward(Pass const& pass) {
  std::int64_t const begin_ns = clock_.now_ns();
  std::int64_t const microbatch = pass.action.microbatch;
  InFlight& slot = in_flight_.push({});
  slot.saved = take(saved_pool_, sizes_.saved);
  slot.read = pass.read;
  slot.tag = pass.tag;
  if (links_.activations_in != nullptr) slot.input = links_.activations_in->receive();
  if (slot.input) expect(slot.input, microbatch);
  comm::Message output = is_last() ? comm::Message() : links_.activations_out->acquire();
  auto const weights = weights_.read(pass.read.version);
  if (settings_.stashes) weights_.hold(pass.read.version);
  double const loss =
      block_->forward(batch(microbatch), weights, std::as_const(slot.input).template payload<T>(),
                      output.template payload<T>(), slot.saved, pulse_);
  if (output) {
    output.header() = {microbatch, pass.tag, pass.read.replica};
    links_.activations_out->send(std::move(output));
  }
  if (settings_.displacement_every > 0 && microbatch % settings_.displacement_every == 0) {
    slot.displacement_origin = take(origin_pool_, std::ssize(gradient_));
    std::copy(weights.begin(), weights.end(), slot.displacement_origin.begin());
  }
  weights_.keep_from(pass.oldest_needed);
  ++forwards_;
  totals_.peak_activations = std::max(totals_.peak_activations, in_flight_.size());
  std::int64_t const end_ns = clock_.now_ns();
  totals_.forward_ns += end_ns - begin_ns;
  slot.row.microbatch = microbatch;
  slot.row.minibatch = pass.minibatch;
  slot.row.replica = pass.read.replica;
  slot.row.version_forward = pass.read.version;
  slot.row.forward_begin_ns = begin_ns;
  slot.row.forward_end_ns = end_ns;
  slot.row.plan_forward = pass.plan_begin;
  slot.row.wait_ns = pass.wait_ns;
  event(pass, 'F', begin_ns, end_ns);
  if (is_last()) {
    recorder_.loss({0, pass.read.replica, microbatch, pass.minibatch, pass.plan_end, end_ns, loss});
    if (!std::isfinite(loss)) throw Divergence(index_, microbatch, "the loss is not finite");
  }
}

template <class T>
void Stage<T>::backward_input(Pass const& pass, std::int64_t begin_ns) {
  std::int64_t const microbatch = pass.action.microbatch;
  InFlight& slot = in_flight_[microbatch];
  if (links_.gradients_in != nullptr) {
    slot.output_gradient = links_.gradients_in->receive();
    expect(slot.output_gradient, microbatch);
  }
  slot.read = pass.read;
  slot.row.version_backward = pass.read.version;
  slot.row.drift = pass.read.version - slot.row.version_forward;
  slot.row.backward_begin_ns = begin_ns;
  slot.row.plan_backward = pass.plan_begin;
  slot.row.wait_ns += pass.wait_ns;
  slot.flow = take(flow_pool_, sizes_.flow);
  comm::Message gradient = index_ == 0 ? comm::Message() : links_.gradients_out->acquire();
  block_->backward_input(batch(microbatch), weights_.read(pass.read.version),
                         std::as_const(slot.input).template payload<T>(), slot.saved,
                         std::as_const(slot.output_gradient).template payload<T>(),
                         gradient.template payload<T>(), slot.flow, pulse_);
  if (gradient) {  // sent before the weight half, so that the stage below can start
    gradient.header() = {microbatch, slot.tag, pass.read.replica};
    links_.gradients_out->send(std::move(gradient));
  }
  ++backwards_;
}

template <class T>
void Stage<T>::backward_weight(Pass const& pass) {
  auto const activations = static_cast<std::int32_t>(in_flight_.size());
  InFlight slot = in_flight_.pop();
  slot.row.activations = activations;
  slot.row.weight_copies = weights_.copies();
  std::int64_t const microbatch = pass.action.microbatch;
  block_->backward_weight(batch(microbatch), weights_.read(slot.read.version),
                          std::as_const(slot.input).template payload<T>(), slot.saved,
                          std::as_const(slot.output_gradient).template payload<T>(), slot.flow,
                          gradient_, pulse_);
  if (settings_.gradient_noise > 0) add_noise(microbatch);
  if (slot.input) links_.activations_in->give_back(std::move(slot.input));
  if (slot.output_gradient) links_.gradients_in->give_back(std::move(slot.output_gradient));
  saved_pool_.push_back(std::move(slot.saved));
  flow_pool_.push_back(std::move(slot.flow));
  if (settings_.stashes) weights_.release(slot.row.version_forward);
  applied_.push_back({slot.row, std::move(slot.displacement_origin)});
  ++weight_backwards_;
}

template <class T>
void Stage<T>::add_noise(std::int64_t microbatch) {
  Stream(settings_.seed, StreamName::gradient_noise, static_cast<std::uint32_t>(index_),
         static_cast<std::uint64_t>(microbatch))
      .normals(noise_);
  T const scale = static_cast<T>(settings_.gradient_noise * settings_.gradient_scale);
  for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] += scale * noise_[i];
}

template <class T>
void Stage<T>::update(std::int64_t oldest_needed, std::int64_t begin_ns) {
  auto const [from, to] = weights_.begin_update(oldest_needed);
  for (Applied& applied : applied_) {
    if (applied.displacement_origin.empty()) continue;
    applied.row.displacement_sq = distance_sq<T>(from, applied.displacement_origin);
    origin_pool_.push_back(std::move(applied.displacement_origin));
  }
  double const gradient_sq = optimizer_->step(from, to, gradient_, settings_.learning_rate);
  if (!std::isfinite(gradient_sq)) {
    throw Divergence(index_, applied_.back().row.microbatch, "the gradient is not finite");
  }
  for (Applied& applied : applied_) complete(applied, gradient_sq);
  weights_.finish_update(oldest_needed);
  totals_.update_ns += clock_.now_ns() - begin_ns;
}

template <class T>
void Stage<T>::complete(Applied& applied, double gradient_sq) {
  StepRow& row = applied.row;
  row.version_applied = weights_.live();
  row.staleness = row.version_applied - row.version_forward;
  row.gradient_sq = gradient_sq;
  row.learning_rate = settings_.learning_rate;
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
    recorder_.step(index_, row);
  }
  applied_.clear();
}

template <class T>
void Stage<T>::expect(comm::Message const& message, std::int64_t microbatch) const {
  if (message.header().microbatch == microbatch) return;
  failure("stage {} expected a message of microbatch {} and received one of {}", index_, microbatch,
          message.header().microbatch);
}

template <class T>
void Stage<T>::event(Pass const& pass, char action, std::int64_t begin_ns, std::int64_t end_ns) {
  if (!settings_.events) return;
  recorder_.event(
      index_, {action, pass.action.microbatch, pass.plan_begin, pass.plan_end, begin_ns, end_ns});
}

template <class T>
void Stage<T>::waited_ns(plan::Kind kind, std::int64_t duration) {
  (kind == plan::Kind::forward ? totals_.wait_activations_ns : totals_.wait_gradients_ns) +=
      duration;
}

template <class T>
std::int64_t Stage<T>::peak_activation_bytes() const {
  std::int64_t const elements = sizes_.saved + sizes_.input;
  return totals_.peak_activations * elements * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
std::int64_t Stage<T>::buffer_bytes() const {
  auto const elements = std::ssize(gradient_) + std::ssize(noise_) +
                        std::ssize(optimizer_->state()) + sizes_.flow * std::ssize(flow_pool_) +
                        std::ssize(gradient_) * std::ssize(origin_pool_);
  return elements * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
std::vector<T> Stage<T>::take(std::vector<std::vector<T>>& pool, std::int64_t size) {
  if (pool.empty()) return std::vector<T>(static_cast<std::size_t>(size));
  std::vector<T> buffer = std::move(pool.back());
  pool.pop_back();
  return buffer;
}

template class Stage<float>;
template class Stage<double>;

}  // namespace quartic::engine
