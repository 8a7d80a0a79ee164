#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/indexed_ring.hpp"
#include "quartic/engine/archive.hpp"
#include "quartic/plan/version_ledger.hpp"

namespace quartic::engine {

/// The versions of one stage's weights that are still needed, each one contiguous block. An update
/// works in place where no pass holds the live version, and otherwise writes the next version into
/// a free block: stashing costs no copy of its own. Allocates only until the method's largest
/// number of copies has been reached.
template <class T>
class WeightStore {
 public:
  explicit WeightStore(std::int64_t parameters);

  /// Version 0, for the start weights.
  std::span<T> initial() { return blocks_[0]->view(); }

  std::int64_t live() const { return ledger_.live(); }
  std::int32_t copies() const { return ledger_.copies(); }
  std::int32_t peak_copies() const { return peak_copies_; }
  std::span<T const> read(std::int64_t version) const {
    return std::as_const(*blocks_[version]).view();
  }
  std::span<T const> read_live() const { return read(live()); }
  /// The live version, to be changed in place before any pass reads it.
  std::span<T> rewrite_live() { return blocks_[live()]->view(); }

  /// Keeps a version until it is released as often as it was held.
  void hold(std::int64_t version) { ledger_.hold(version); }
  void release(std::int64_t version);
  /// Gives up the versions below `oldest` that nobody holds.
  void keep_from(std::int64_t oldest);

  /// The live version, and where the next one goes: the same memory where nobody needs the live one
  /// any more. After the update versions below `oldest` are given up.
  struct Update {
    std::span<T const> from;
    std::span<T> to;
  };
  Update begin_update(std::int64_t oldest);
  /// The block written since begin_update becomes the live version.
  void finish_update(std::int64_t oldest);

  /// Between updates.
  void state(Archive& archive);

 private:
  using Block = compute::Buffer<T>;
  void forget_dead();
  std::vector<std::int64_t> alive() const;
  void restore_ledger(std::int64_t oldest, std::int64_t floor,
                      std::vector<std::int64_t> const& holders);

  std::int64_t parameters_;
  plan::VersionLedger ledger_;
  IndexedRing<std::unique_ptr<Block>> blocks_;  // by version; dead ones in between are empty
  std::vector<std::unique_ptr<Block>> free_;
  std::unique_ptr<Block> next_;
  std::int32_t peak_copies_ = 1;
};

}  // namespace quartic::engine
