// The weights that a rule bends: which are made anew, which are kept, and that a checkpoint has
// them.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "io_files.hpp"
#include "quartic/engine/bent_weights.hpp"
#include "quartic/engine/visit_rows.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::io {
namespace {

constexpr double rate = 0.5;
using Pass = engine::BentWeights<double>::Pass;

/// One replica of a stage with two weights.
struct Replica {
  engine::WeightStore<double> store{2};
  std::unique_ptr<nn::Optimizer<double>> optimizer =
      nn::make_optimizer<double>({.name = "momentum", .momentum = 0.5}, 2);
  engine::BentWeights<double> bent{0.5, std::vector<double>{0, 0}};

  Replica() { std::ranges::fill(store.initial(), 0.0); }
  void update(double gradient) {
    std::vector<double> g{gradient, -gradient};
    auto const [from, to] = store.begin_update(0);
    optimizer->step(from, to, g, rate);
    store.finish_update(0);
    bent.updated(store.read_live());
  }
  double read(plan::Read const& read, Pass pass = Pass::forward) {
    return bent.weights(pass, read, store, *optimizer, rate)[0];
  }
  /// Reads with this bend of the live version.
  double live(plan::Bend bend, std::int64_t kept = -1) {
    return read({.version = store.live(), .bend = bend, .kept = kept});
  }
  void state(engine::Archive& archive) {
    auto const group = archive.group("weights");
    {
      auto const replica = archive.group("replica_0000");
      store.state(archive);
      engine::visit_array<double>(archive, "optimizer", optimizer->state());
    }
    bent.state(archive, store);
  }
};

TEST_CASE("a bend is the combination that it names") {
  Replica replica;
  replica.update(1);  // v = 1, w = -0.5, u = -0.25
  replica.update(2);  // v = 2.5, w = -1.75, u = -0.75
  CHECK(replica.live({}) == -1.75);
  CHECK(replica.live({.read = 0, .live = 1}) == -1.75);
  CHECK(replica.read({.version = 1}) == -0.5);
  CHECK(replica.read({.version = 1, .bend = {.read = 0.25, .live = 0.75}}) == -1.4375);
  CHECK(replica.live({.step = 2}) == -1.75 - 2 * rate * 2.5);
  CHECK(replica.live({.mean = -4}) == -1.75 + 4 * 0.75);
  CHECK(replica.read({.version = 1, .bend = {0.5, 0.25, 1, 2}}) ==
        0.5 * -0.5 + 0.25 * -1.75 - rate * 2.5 + 2 * -0.75);
  CHECK(replica.live({.read = 0}) == 0);
}

TEST_CASE("a single version is read where it lies") {
  Replica replica;
  replica.update(1);
  auto const where = [&](plan::Bend bend) {
    return replica.bent
        .weights(Pass::backward, {.version = 0, .bend = bend}, replica.store, *replica.optimizer,
                 rate)
        .data();
  };
  CHECK(where({}) == replica.store.read(0).data());
  CHECK(where({.read = 0, .live = 1}) == replica.store.read(1).data());
  CHECK(replica.bent.bytes() == 2 * 2 * static_cast<std::int64_t>(sizeof(double)));  // mean alone
}

TEST_CASE("kept weights stay through updates until another number is named") {
  Replica replica;
  replica.update(1);
  CHECK(replica.live({.step = 1}, 7) == -0.5 - rate);
  replica.update(2);
  CHECK(replica.live({.step = 1}, 7) == -0.5 - rate);
  CHECK(replica.read({.version = 2, .kept = 7}, Pass::backward) == -1.75);  // kinds do not mix
  CHECK(replica.live({.step = 1}, 8) == -1.75 - rate * 2.5);
  CHECK(replica.live({.step = 1}) == -1.75 - rate * 2.5);
  replica.update(0);
  CHECK(replica.live({.step = 1}) == -1.75 - 2 * rate * 1.25);
}

TEST_CASE("an average is no update to remember, and what was bent before is old") {
  Replica replica;
  replica.update(1);
  CHECK(replica.live({.mean = 1}) == -0.75);
  replica.store.rewrite_live()[0] = 4;
  replica.bent.replaced(replica.store.read_live());
  CHECK(replica.live({.mean = 1}) == 4 - 0.25);
  replica.update(0);  // w = 4 - rate * 0.5
  CHECK(replica.live({.mean = 1}) == 3.75 - 0.125 - 0.125);
}

TEST_CASE("a checkpoint has the mean update and the kept weights") {
  Replica before;
  before.update(1);
  before.live({.step = 1}, 7);
  before.update(2);
  test::TemporaryFolder const folder;
  CheckpointFolder checkpoints(folder.path(), [](engine::Seat) { return std::vector<NamedPart>{}; },
                               {});
  auto const state = [](Replica& of) {
    return [&of](engine::Archive& archive) { of.state(archive); };
  };
  checkpoints.save(1, {0, 0}, state(before));
  checkpoints.finish();
  checkpoints.commit({1, {}, 0, 0}, -1);
  Replica after;
  checkpoints.restore(1, {0, 0}, state(after));
  CHECK(after.live({.step = 1}, 7) == -0.5 - rate);
  CHECK(after.live({.step = 1}, 8) == -1.75 - rate * 2.5);
  CHECK(after.read({.version = 2, .bend = {.mean = -4}}, Pass::backward) == -1.75 + 4 * 0.75);
}

}  // namespace
}  // namespace quartic::io
