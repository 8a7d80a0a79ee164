#include "quartic/engine/averaging.hpp"

#include <fmt/format.h>

#include <utility>

#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

/// The next message, once it is there.
comm::Message await(comm::Inbox& inbox, std::function<void()> const& idle) {
  while (!inbox.arrived()) idle();
  return inbox.receive();
}

template <class T>
void send_copy(comm::Outbox* outbox, std::span<T const> weights) {
  if (outbox == nullptr) return;
  comm::Message message = outbox->acquire();
  compute::copy<T>(weights, message.payload<T>());
  outbox->send(std::move(message));
}

}  // namespace

template <class T>
Averaging<T>::Averaging(AveragingSettings const& settings, int replicas)
    : settings_(settings), outer_(static_cast<std::size_t>(replicas)) {}

template <class T>
void Averaging<T>::start_from(Stage<T>& copy) {
  if (!settings_.has_outer_step() || copy.seat().pipeline > 0) return;
  for (std::size_t replica = 0; replica < outer_.size(); ++replica) {
    auto const weights = copy.weights().live(static_cast<int>(replica));
    Outer& outer = outer_[replica];
    if (outer.old.size() == 0) {
      outer.old = compute::Buffer<T>(std::ssize(weights));
      outer.momentum = compute::Buffer<T>(std::ssize(weights));
    }
    compute::copy<T>(weights, outer.old.view());
  }
}

template <class T>
void Averaging<T>::average(std::span<Stage<T>* const> copies, int replica,
                           std::function<void()> const& idle) {
  for (auto copy = copies.rbegin(); copy != copies.rend(); ++copy) pass_down(**copy, replica, idle);
  for (Stage<T>* const copy : copies) {
    pass_up(*copy, replica, idle);
    copy->weights().replaced(replica);
  }
}

/// Adds this copy to the sum of those above it; in pipeline 0 that is all.
template <class T>
void Averaging<T>::pass_down(Stage<T>& copy, int replica, std::function<void()> const& idle) {
  auto const weights = copy.weights().rewrite(replica);
  StageLinks const& links = copy.links();
  if (links.sums_in == nullptr) return send_copy<T>(links.sums_out, weights);
  comm::Message sum = await(*links.sums_in, idle);
  auto const values = sum.payload<T>();
  compute::add_scaled<T>(1, weights, values);
  send_copy<T>(links.sums_out, values);
  if (links.sums_out == nullptr) {
    finish(values, replica, copy.trained());
    compute::copy<T>(values, weights);
  }
  links.sums_in->give_back(std::move(sum));
}

/// The mean, and of what is trained the outer step on it: a statistic has no momentum.
template <class T>
void Averaging<T>::finish(std::span<T> sum, int replica, std::span<Part const> trained) {
  compute::scale(T(1) / static_cast<T>(settings_.pipelines), sum);
  if (!settings_.has_outer_step()) return;
  Outer& outer = outer_[static_cast<std::size_t>(replica)];
  for (Part const& part : trained) {
    auto const in = [&](std::span<T> whole) {
      return whole.subspan(static_cast<std::size_t>(part.first),
                           static_cast<std::size_t>(part.size));
    };
    compute::outer_step<T>(settings_.outer, in(sum), in(outer.old.view()),
                           in(outer.momentum.view()));
  }
}

template <class T>
void Averaging<T>::pass_up(Stage<T>& copy, int replica, std::function<void()> const& idle) {
  auto const weights = copy.weights().rewrite(replica);
  StageLinks const& links = copy.links();
  if (links.means_in != nullptr) {
    comm::Message mean = await(*links.means_in, idle);
    compute::copy<T>(std::as_const(mean).payload<T>(), weights);
    links.means_in->give_back(std::move(mean));
  }
  send_copy<T>(links.means_out, weights);
}

template <class T>
void Averaging<T>::state(Archive& archive) {
  if (!settings_.has_outer_step()) return;
  auto const group = archive.group("outer_step");
  for (std::size_t replica = 0; replica < outer_.size(); ++replica) {
    visit_array<T>(archive, fmt::format("old_{:04}", replica), outer_[replica].old.view());
    visit_array<T>(archive, fmt::format("momentum_{:04}", replica),
                   outer_[replica].momentum.view());
  }
}

template <class T>
std::int64_t Averaging<T>::bytes() const {
  std::int64_t elements = 0;
  for (Outer const& outer : outer_) elements += outer.old.size() + outer.momentum.size();
  return elements * static_cast<std::int64_t>(sizeof(T));
}

template class Averaging<float>;
template class Averaging<double>;

}  // namespace quartic::engine
