#include "quartic/engine/stage_weights.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {

template <class T>
StageWeights<T>::StageWeights(nn::Block<T> const& block, plan::Rules const& rules, int stage,
                              nn::OptimizerSpec const& optimizer, std::uint64_t seed)
    : stashes_(rules.versions->stashes()),
      gradient_(block.parameter_count()),
      mean_(rules.replicas > 1 ? gradient_.size() : 0),
      peak_copies_(rules.replicas) {
  std::vector<T> staging;
  for (int replica = 0; replica < rules.replicas; ++replica) {
    compute::write_by_host(stores_.emplace_back(block.parameter_count()).initial(), staging,
                           [&](std::span<T> weights) { block.initialise(weights, seed); });
    optimizers_.push_back(nn::make_optimizer<T>(optimizer, nn::update_groups(block.parameters())));
  }
  transform_ = make_transform(rules, stage, stores_.front(), *optimizers_.front());
}

template <class T>
void StageWeights<T>::start_from(std::span<T const> weights) {
  for (int replica = 0; replica < static_cast<int>(stores_.size()); ++replica) {
    compute::to_device(weights, rewrite(replica));
    replaced(replica);
  }
}

template <class T>
void StageWeights<T>::continue_from(OptimizerState<T> const& optimizer) {
  earlier_steps_ = optimizer.steps;
  for (auto const& own : optimizers_) {
    compute::to_device<T>(optimizer.values, own->state());
    own->restart_after(optimizer.steps);
  }
}

template <class T>
std::span<T const> StageWeights<T>::forward(plan::Read const& read) {
  return transform_->forward(read, store(read.replica));
}

template <class T>
std::span<T const> StageWeights<T>::backward(plan::Read const& read, std::int64_t forward_version) {
  return transform_->backward(read, forward_version, store(read.replica));
}

template <class T>
void StageWeights<T>::hold(plan::Read const& read) {
  if (stashes_) store(read.replica).hold(read.version);
}

template <class T>
void StageWeights<T>::release(int replica, std::int64_t version) {
  if (stashes_) store(replica).release(version);
}

template <class T>
double StageWeights<T>::update(int replica, double learning_rate, std::int64_t oldest) {
  auto const [from, to] = store(replica).begin_update(oldest);
  auto const at = static_cast<std::size_t>(replica);
  double const gradient_sq = optimizers_[at]->step(from, to, gradient(), learning_rate);
  store(replica).finish_update(oldest);
  peak_copies_ = std::max(peak_copies_, copies());
  transform_->updated(store(replica), learning_rate);
  return gradient_sq;
}

template <class T>
void StageWeights<T>::average() {
  auto const mean = model();
  for (WeightStore<T>& store : stores_) compute::copy<T>(mean, store.rewrite_live());
}

template <class T>
std::span<T const> StageWeights<T>::model() {
  if (stores_.size() == 1) return stores_.front().read_live();
  std::span<T> const mean = mean_.view();
  compute::fill<T>(0, mean);
  for (WeightStore<T> const& store : stores_) compute::add_scaled<T>(1, store.read_live(), mean);
  compute::scale<T>(T(1) / static_cast<T>(stores_.size()), mean);
  return mean;
}

template <class T>
OptimizerState<T> StageWeights<T>::optimizer() {
  OptimizerState<T> state{std::vector<T>(optimizers_.front()->state().size()),
                          earlier_steps_ + stores_.front().live()};
  if (stores_.size() == 1) {
    compute::to_host<T>(optimizers_.front()->state(), state.values);
    return state;
  }
  compute::Buffer<T> mean(std::ssize(state.values));
  for (std::size_t replica = 0; replica < stores_.size(); ++replica) {
    compute::add_scaled<T>(1, optimizers_[replica]->state(), mean.view());
    state.steps = std::min(state.steps, earlier_steps_ + stores_[replica].live());
  }
  compute::scale<T>(T(1) / static_cast<T>(stores_.size()), mean.view());
  compute::to_host<T>(mean.view(), state.values);
  return state;
}

template <class T>
std::int64_t StageWeights<T>::versions() const {
  std::int64_t sum = 0;
  for (WeightStore<T> const& store : stores_) sum += store.live();
  return sum;
}

template <class T>
std::int32_t StageWeights<T>::copies() const {
  std::int32_t sum = 0;
  for (WeightStore<T> const& store : stores_) sum += store.copies();
  return sum;
}

template <class T>
void StageWeights<T>::state(Archive& archive) {
  archive.later_integer("earlier_steps", earlier_steps_);
  for (std::size_t replica = 0; replica < stores_.size(); ++replica) {
    auto const group = archive.group(fmt::format("replica_{:04}", replica));
    nn::Optimizer<T>& optimizer = *optimizers_[replica];
    stores_[replica].state(archive);
    visit_array<T>(archive, "optimizer", optimizer.state());
    if (archive.restores()) optimizer.restart_after(earlier_steps_ + stores_[replica].live());
  }
  visit_array<T>(archive, "gradient", gradient());
  archive.integer("peak_copies", peak_copies_);
  transform_->state(archive, stores_.front());
}

template <class T>
std::int64_t StageWeights<T>::bytes_of_one() const {
  return gradient_.size() * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
std::int64_t StageWeights<T>::buffer_bytes() const {
  std::int64_t elements = gradient_.size() + mean_.size();
  for (auto const& optimizer : optimizers_) elements += std::ssize(optimizer->state());
  return elements * static_cast<std::int64_t>(sizeof(T)) + transform_->bytes();
}

template class StageWeights<float>;
template class StageWeights<double>;

}  // namespace quartic::engine
