#include "quartic/engine/stage_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {

namespace {

/// The optimizer with the momentum that the method gives to this stage.
nn::OptimizerSpec corrected(nn::OptimizerSpec optimizer, plan::Correction const& correction) {
  if (correction.momentum >= 0) optimizer.momentum = optimizer.beta1 = correction.momentum;
  return optimizer;
}

}  // namespace

template <class T>
StageWeights<T>::StageWeights(nn::Block<T> const& block, plan::Rules const& rules, int stage,
                              nn::OptimizerSpec const& optimizer,
                              nn::LearningRate const& learning_rate, std::uint64_t seed)
    : stashes_(rules.versions->stashes()),
      learning_rate_(learning_rate),
      compensation_(rules.updates->correction(stage).compensation *
                    static_cast<double>(rules.shape.accumulate)),
      groups_(nn::update_groups(block.parameters())),
      gradient_(block.parameter_count()),
      mean_(rules.replicas > 1 ? gradient_.size() : 0),
      peak_copies_(rules.replicas) {
  std::vector<T> staging;
  for (int replica = 0; replica < rules.replicas; ++replica) {
    WeightStore<T> store(block.parameter_count());
    compute::write_by_host(store.initial(), staging,
                           [&](std::span<T> weights) { block.initialise(weights, seed); });
    BentWeights<T> bent(rules.versions->mean_decay(stage), store.read_live());
    replicas_.push_back(
        {std::move(store),
         nn::make_optimizer<T>(corrected(optimizer, rules.updates->correction(stage)), groups_),
         std::move(bent)});
  }
}

template <class T>
void StageWeights<T>::start_from(std::span<T const> weights) {
  for (int replica = 0; replica < static_cast<int>(replicas_.size()); ++replica) {
    compute::to_device(weights, rewrite(replica));
    replaced(replica);
  }
}

template <class T>
void StageWeights<T>::continue_from(OptimizerState<T> const& optimizer) {
  earlier_steps_ = optimizer.steps;
  for (Replica& replica : replicas_) {
    compute::to_device<T>(optimizer.values, replica.optimizer->state());
    replica.optimizer->restart_after(optimizer.steps);
  }
}

template <class T>
std::span<T const> StageWeights<T>::bent(typename BentWeights<T>::Pass pass,
                                         plan::Read const& read) {
  Replica& own = at(read.replica);
  return own.bent.weights(pass, read, own.store, *own.optimizer, learning_rate(own));
}

/// The learning rate of the next update, with the last update's factor: its own is not known yet.
template <class T>
double StageWeights<T>::learning_rate(Replica const& replica) const {
  return learning_rate_.at(replica.store.live()) * replica.rate;
}

template <class T>
void StageWeights<T>::hold(plan::Read const& read) {
  if (stashes_) at(read.replica).store.hold(read.version);
}

template <class T>
void StageWeights<T>::release(int replica, std::int64_t version) {
  if (stashes_) at(replica).store.release(version);
}

/// A gradient of the live weights has nothing to be compensated.
template <class T>
bool StageWeights<T>::is_compensated(int replica, std::int64_t version) const {
  return compensation_ != 0 && version != this->version(replica);
}

template <class T>
std::span<T> StageWeights<T>::begin_gradient(int replica, std::int64_t version) {
  if (!is_compensated(replica, version)) return gradient();
  if (own_gradient_.size() == 0) own_gradient_ = compute::Buffer<T>(gradient_.size());
  return own_gradient_.view();
}

template <class T>
void StageWeights<T>::finish_gradient(int replica, std::int64_t version) {
  if (!is_compensated(replica, version)) return;
  auto const read = at(replica).store.read(version);
  std::size_t first = 0;
  for (nn::UpdateGroup const& group : groups_) {
    auto const size = static_cast<std::size_t>(group.size);
    double const factor = group.role == nn::Role::trained ? compensation_ : 0;
    compute::add_compensated<T>(
        factor, live(replica).subspan(first, size), read.subspan(first, size),
        own_gradient_.view().subspan(first, size), gradient().subspan(first, size));
    first += size;
  }
}

template <class T>
typename StageWeights<T>::Updated StageWeights<T>::update(int replica, double rate,
                                                          std::int64_t oldest) {
  Replica& own = at(replica);
  own.rate = rate;
  Updated updated{.learning_rate = learning_rate(own)};
  auto const [from, to] = own.store.begin_update(oldest);
  updated.gradient_sq = own.optimizer->step(from, to, gradient(), updated.learning_rate);
  own.store.finish_update(oldest);
  peak_copies_ = std::max(peak_copies_, copies());
  own.bent.updated(own.store.read_live());
  return updated;
}

template <class T>
void StageWeights<T>::average() {
  auto const mean = model();
  for (int replica = 0; replica < static_cast<int>(replicas_.size()); ++replica) {
    compute::copy<T>(mean, rewrite(replica));
    replaced(replica);
  }
}

template <class T>
std::span<T const> StageWeights<T>::model() {
  if (replicas_.size() == 1) return live(0);
  std::span<T> const mean = mean_.view();
  compute::fill<T>(0, mean);
  for (Replica const& replica : replicas_)
    compute::add_scaled<T>(1, replica.store.read_live(), mean);
  compute::scale<T>(T(1) / static_cast<T>(replicas_.size()), mean);
  return mean;
}

template <class T>
OptimizerState<T> StageWeights<T>::optimizer() {
  std::span<T const> const first = replicas_.front().optimizer->state();
  OptimizerState<T> state{std::vector<T>(first.size()), earlier_steps_ + version(0)};
  if (replicas_.size() == 1) {
    compute::to_host<T>(first, state.values);
    return state;
  }
  compute::Buffer<T> mean(std::ssize(state.values));
  for (Replica const& replica : replicas_) {
    compute::add_scaled<T>(1, replica.optimizer->state(), mean.view());
    state.steps = std::min(state.steps, earlier_steps_ + replica.store.live());
  }
  compute::scale<T>(T(1) / static_cast<T>(replicas_.size()), mean.view());
  compute::to_host<T>(mean.view(), state.values);
  return state;
}

template <class T>
std::int64_t StageWeights<T>::versions() const {
  std::int64_t sum = 0;
  for (Replica const& replica : replicas_) sum += replica.store.live();
  return sum;
}

template <class T>
std::int32_t StageWeights<T>::copies() const {
  std::int32_t sum = 0;
  for (Replica const& replica : replicas_) sum += replica.store.copies();
  return sum;
}

template <class T>
void StageWeights<T>::state(Archive& archive) {
  archive.later_integer("earlier_steps", earlier_steps_);
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    auto const group = archive.group(fmt::format("replica_{:04}", i));
    Replica& replica = replicas_[i];
    replica.store.state(archive);
    archive.later_number("rate", replica.rate);
    visit_array<T>(archive, "optimizer", replica.optimizer->state());
    if (archive.restores()) replica.optimizer->restart_after(earlier_steps_ + replica.store.live());
  }
  visit_array<T>(archive, "gradient", gradient());
  archive.integer("peak_copies", peak_copies_);
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    // The first replica's names are those of a stage with one, also in earlier checkpoints.
    std::string const prefix = i == 0 ? "" : fmt::format("replica_{:04}_", i);
    replicas_[i].bent.state(archive, replicas_[i].store, prefix);
  }
}

template <class T>
std::int64_t StageWeights<T>::bytes_of_one() const {
  return gradient_.size() * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
std::int64_t StageWeights<T>::buffer_bytes() const {
  std::int64_t elements = gradient_.size() + own_gradient_.size() + mean_.size();
  std::int64_t bent_bytes = 0;
  for (Replica const& replica : replicas_) {
    elements += std::ssize(replica.optimizer->state());
    bent_bytes += replica.bent.bytes();
  }
  return elements * static_cast<std::int64_t>(sizeof(T)) + bent_bytes;
}

template class StageWeights<float>;
template class StageWeights<double>;

}  // namespace quartic::engine
