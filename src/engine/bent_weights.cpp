#include "quartic/engine/bent_weights.hpp"

#include <fmt/format.h>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

/// Whether bent weights that were made for `made` are those that `asked` asks for, as long as no
/// update has come in between: kept ones are, whatever has come.
bool serves(plan::Read const& made, plan::Read const& asked) {
  if (asked.kept >= 0) return made.kept == asked.kept;
  return made.kept < 0 && made.version == asked.version && made.bend == asked.bend;
}

}  // namespace

template <class T>
BentWeights<T>::BentWeights(double mean_decay, std::span<T const> start)
    : mean_decay_(mean_decay),
      last_(mean_decay >= 0 ? std::ssize(start) : 0),
      mean_update_(last_.size()) {
  if (keeps_mean()) compute::copy<T>(start, last_.view());
}

template <class T>
std::span<T const> BentWeights<T>::weights(Pass pass, plan::Read const& read,
                                           WeightStore<T> const& store, nn::Optimizer<T>& optimizer,
                                           double learning_rate) {
  if (read.kept < 0 && read.bend.is_plain())
    return read.bend.reads_only() ? store.read(read.version) : store.read_live();
  Bent& bent = bent_[static_cast<std::size_t>(pass)];
  if (!bent.is_valid || !serves(bent.of, read)) make(bent, read, store, optimizer, learning_rate);
  return bent.values.view();
}

template <class T>
void BentWeights<T>::make(Bent& bent, plan::Read const& read, WeightStore<T> const& store,
                          nn::Optimizer<T>& optimizer, double learning_rate) {
  std::span<T const> const live = store.read_live();
  if (bent.values.size() == 0) bent.values = compute::Buffer<T>(std::ssize(live));
  std::array<compute::Term<T>, 4> terms;
  std::size_t count = 0;
  auto const add = [&](double factor, std::span<T const> values) {
    if (factor != 0) terms[count++] = {factor, values};
  };
  add(read.bend.read, store.read(read.version));
  add(read.bend.live, live);
  if (read.bend.step != 0) {
    auto const step = optimizer.direction(live, learning_rate, bent.values.view());
    add(read.bend.step * step.scale, step.values);
  }
  if (read.bend.mean != 0) {
    QUARTIC_ASSERT(keeps_mean());
    add(read.bend.mean, std::as_const(mean_update_).view());
  }
  if (count == 0) {
    compute::fill<T>(0, bent.values.view());
  } else {
    compute::bend<T>(std::span(terms).first(count), bent.values.view());
  }
  bent.of = read;
  bent.is_valid = true;
}

/// What was bent before an update is old, unless it is kept.
template <class T>
void BentWeights<T>::forget() {
  for (Bent& bent : bent_) bent.is_valid = bent.is_valid && bent.of.kept >= 0;
}

template <class T>
void BentWeights<T>::updated(std::span<T const> live) {
  if (keeps_mean())
    compute::add_to_mean_update<T>(mean_decay_, live, last_.view(), mean_update_.view());
  forget();
}

template <class T>
void BentWeights<T>::replaced(std::span<T const> live) {
  if (keeps_mean()) compute::copy<T>(live, last_.view());
  forget();
}

template <class T>
std::int64_t BentWeights<T>::bytes() const {
  std::int64_t elements = last_.size() + mean_update_.size();
  for (Bent const& bent : bent_) elements += bent.values.size();
  return elements * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
void BentWeights<T>::state(Archive& archive, WeightStore<T> const& store,
                           std::string const& prefix) {
  if (keeps_mean()) visit_array<T>(archive, prefix + "mean_update", mean_update_.view());
  if (archive.restores()) replaced(store.read_live());
  for (std::size_t pass = 0; pass < bent_.size(); ++pass) {
    Bent& bent = bent_[pass];
    std::int64_t kept = bent.is_valid ? bent.of.kept : -1;
    archive.later_integer(fmt::format("{}kept_{}", prefix, pass), kept);
    if (kept < 0) continue;
    if (archive.restores()) {
      bent.values = compute::Buffer<T>(std::ssize(store.read_live()));
      bent.of = {.kept = kept};
      bent.is_valid = true;
    }
    visit_array<T>(archive, fmt::format("{}bent_{}", prefix, pass), bent.values.view());
  }
}

template class BentWeights<float>;
template class BentWeights<double>;

}  // namespace quartic::engine
