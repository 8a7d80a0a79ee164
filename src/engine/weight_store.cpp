#include "quartic/engine/weight_store.hpp"

#include <algorithm>
#include <utility>

#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {

template <class T>
WeightStore<T>::WeightStore(std::int64_t parameters) : parameters_(parameters) {
  blocks_.push(std::make_unique<Block>(parameters_));
}

template <class T>
void WeightStore<T>::release(std::int64_t version) {
  if (!ledger_.release(version)) return;
  free_.push_back(std::move(blocks_[version]));
  forget_dead();
}

template <class T>
void WeightStore<T>::keep_from(std::int64_t oldest) {
  ledger_.keep_from(oldest, [this](std::int64_t version) {
    if (blocks_[version]) free_.push_back(std::move(blocks_[version]));
  });
  forget_dead();
}

template <class T>
typename WeightStore<T>::Update WeightStore<T>::begin_update(std::int64_t oldest) {
  Block& live = *blocks_.back();
  if (ledger_.live_dies(oldest)) return {live.view(), live.view()};
  if (free_.empty()) free_.push_back(std::make_unique<Block>(parameters_));
  next_ = std::move(free_.back());
  free_.pop_back();
  return {live.view(), next_->view()};
}

template <class T>
void WeightStore<T>::finish_update(std::int64_t oldest) {
  blocks_.push(next_ ? std::move(next_) : std::move(blocks_.back()));
  ledger_.advance();
  keep_from(oldest);
  peak_copies_ = std::max(peak_copies_, ledger_.copies());
}

template <class T>
void WeightStore<T>::forget_dead() {
  while (!blocks_.front()) blocks_.pop();
}

template <class T>
std::vector<std::int64_t> WeightStore<T>::alive() const {
  std::vector<std::int64_t> versions;
  for (std::int64_t version = blocks_.first(); version < blocks_.end(); ++version) {
    if (ledger_.alive(version)) versions.push_back(version);
  }
  return versions;
}

template <class T>
void WeightStore<T>::restore_ledger(std::int64_t oldest, std::int64_t floor,
                                    std::vector<std::int64_t> const& holders) {
  auto const end = oldest + std::ssize(holders);
  require_restored(0 <= oldest && oldest <= floor && floor < end, "weights");
  for (std::int64_t const count : holders) require_restored(0 <= count, "weights");
  ledger_ = plan::VersionLedger(oldest, floor, holders);
  blocks_ = IndexedRing<std::unique_ptr<Block>>(oldest);
  for (std::int64_t version = oldest; version <= live(); ++version) {
    blocks_.push(ledger_.alive(version) ? std::make_unique<Block>(parameters_) : nullptr);
  }
}

template <class T>
void WeightStore<T>::state(Archive& archive) {
  std::int64_t oldest = ledger_.oldest();
  std::int64_t floor = ledger_.floor();
  std::vector<std::int64_t> holders;
  for (std::int64_t version = oldest; version <= live(); ++version)
    holders.push_back(ledger_.holders(version));
  archive.integer("oldest", oldest);
  archive.integer("floor", floor);
  archive.integer("peak_copies", peak_copies_);
  archive.integers("holders", holders);
  if (archive.restores()) restore_ledger(oldest, floor, holders);
  std::vector<std::int64_t> versions = alive();
  std::vector<std::int64_t> const expected = versions;
  archive.integers("version", versions);
  require_restored(versions == expected, "weights");
  visit_rows<T>(archive, "weights", std::ssize(versions), parameters_, [&](std::int64_t i) {
    return blocks_[versions[static_cast<std::size_t>(i)]]->view();
  });
}

template class WeightStore<float>;
template class WeightStore<double>;

}  // namespace quartic::engine
