// When a run makes checkpoints.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "support/null_block.hpp"
#include "unit/small_run.hpp"

namespace quartic::engine {
namespace {

/// Keeps nothing but when.
struct Moments final : CheckpointStore {
  std::vector<std::int64_t> saved;  // positions, of every stage
  std::vector<Checkpoint> committed;
  void save(std::int64_t position, Seat, State const&) override { saved.push_back(position); }
  std::int64_t written() override { return saved.empty() ? -1 : saved.back(); }
  void finish() override {}
  void commit(Checkpoint const& checkpoint, std::int64_t) override {
    committed.push_back(checkpoint);
  }
  void restore(std::int64_t, Seat, State const&) override {}
};

/// Checkpoints of a run of 60 microbatches, which takes a second and a half.
Moments moments(CheckpointSettings const& checkpoints) {
  constexpr std::int64_t pass_ns = 3'000'000;
  RunSettings settings = settings_for(60);
  settings.checkpoints = checkpoints;
  std::vector<std::unique_ptr<nn::Block<double>>> slow;
  for (int stage = 0; stage < stages; ++stage) {
    slow.push_back(std::make_unique<test::NullBlock>(stage, stages, pass_ns));
  }
  Moments made;
  test::NoSink sink;
  train(settings, sink, 1, std::move(slow), &made);
  return made;
}

TEST_CASE("checkpoints by time are that far apart, and are made while the run goes on") {
  constexpr std::int64_t every_ns = 200'000'000;
  Moments const made = moments({.every_ns = every_ns});
  REQUIRE(made.committed.size() > 1);
  CHECK(made.saved.size() == stages * made.committed.size());
  std::int64_t before_ns = 0;
  for (Checkpoint const& checkpoint : made.committed) {
    CHECK(checkpoint.wall_ns - before_ns >= every_ns);
    before_ns = checkpoint.wall_ns;
  }
}

TEST_CASE("checkpoints by updates are at those updates") {
  Moments const made = moments({.every_updates = 50});
  REQUIRE(made.committed.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(made.committed[i].block_updates == 50 * static_cast<std::int64_t>(i + 1));
  }
}

TEST_CASE("without being asked a run makes none") {
  CHECK(moments({}).saved.empty());
}

}  // namespace
}  // namespace quartic::engine
