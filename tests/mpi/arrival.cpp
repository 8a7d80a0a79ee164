// Runs on arrival on real ranks, whose passes take times that nobody planned: jitter, and a
// straggler. The order is then what the machine makes of it, but the bounds of each method hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <thread>

#include "quartic/core/random.hpp"
#include "quartic/engine/run.hpp"
#include "quartic/method/registry.hpp"
#include "support/no_sink.hpp"
#include "support/null_block.hpp"
#include "support/ranks.hpp"

namespace quartic::engine {
namespace {

constexpr int stages = 4;

/// Sleeps up to 300 µs a pass, drawn anew for every pass; the straggler up to three times as long.
class UnevenBlock final : public test::NullBlock {
 public:
  UnevenBlock(int stage, bool straggles)
      : NullBlock(stage, stages, 0),
        stream_(7, StreamName::jitter, static_cast<std::uint32_t>(stage)),
        longest_us_(straggles ? 900 : 300) {}

 protected:
  void spend(nn::Batch) override {
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::llround(stream_.uniform() * longest_us_)));
  }

 private:
  Stream stream_;
  double longest_us_;
};

struct Steps final : test::NoSink {
  std::vector<std::vector<StepRow>> rows;  // by place
  explicit Steps(std::size_t places) : rows(places) {}
  void steps(int place, std::span<StepRow const> more) override {
    auto& mine = rows[static_cast<std::size_t>(place)];
    mine.insert(mine.end(), more.begin(), more.end());
  }
};

struct Case {
  std::string method;
  std::int64_t accumulate;
  std::map<std::string, std::string> options;
  /// Largest drift, staleness and activations at a stage.
  std::function<std::int64_t(int later_stages)> drift;
  std::function<std::int64_t(int later_stages)> staleness;
};

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

std::vector<Case> cases() {
  auto const none = [](int) { return std::int64_t{0}; };
  auto const a_minibatch = [](int later) { return std::int64_t{later}; };
  auto const paci = [](int later) { return ceil_divide(later, 2); };
  std::vector<Case> all{
      {"paci", 2, {{"admission", "stage"}}, paci, paci},
      {"paci", 2, {{"admission", "stage"}, {"backward-weights", "forward"}}, none, paci},
      {"async", 1, {{"admission", "stage"}}, a_minibatch, a_minibatch},
      {"pipedream", 1, {{"admission", "stage"}}, none, a_minibatch},
      {"local-sgd", 1, {{"local-steps", "3"}}, none, none}};
  // At most S−s minibatches are in flight at stage s, so no more than S−1−s updates lie between.
  for (char const* const backward : {"chunk", "mono"}) {
    all.push_back({"v-timeprest", 3, {{"backward", backward}}, a_minibatch, a_minibatch});
    all.push_back({"i-timeprest", 3, {{"backward", backward}}, a_minibatch, a_minibatch});
    all.push_back({"nf1b-stash", 3, {{"backward", backward}}, none, a_minibatch});
  }
  return all;
}

void check_bounds(Case const& tested, plan::Rules const& rules, Hosting const& hosting,
                  Steps const& steps) {
  for (std::size_t place = 0; place < steps.rows.size(); ++place) {
    int const stage = hosting.seats()[place].stage;
    int const later = stages - 1 - stage;
    CAPTURE(stage);
    REQUIRE(std::ssize(steps.rows[place]) == rules.shape.microbatches);
    std::size_t wrong = 0;
    for (StepRow const& row : steps.rows[place]) {
      wrong += row.drift < 0 || row.drift > tested.drift(later);
      wrong += row.staleness < 0 || row.staleness > tested.staleness(later);
      wrong += row.activations > rules.schedule->activations(stage);
      wrong += row.version_applied != row.microbatch / (tested.accumulate * rules.replicas);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("drift and staleness stay inside their bounds under jitter, with a straggler") {
  for (Case const& tested : cases()) {
    for (int const straggler : {0, 2}) {
      CAPTURE(tested.method);
      CAPTURE(straggler);
      comm::Communicator world;
      constexpr std::int64_t microbatches = 36;
      plan::Rules const rules =
          method::make_rules(method::find_method(tested.method),
                             {stages, microbatches, tested.accumulate}, tested.options);
      plan::Cost const cost = plan::Cost::parse("slot", stages, 0);
      Hosting const hosting(rules, 1, world.size(), world.rank());
      std::vector<std::unique_ptr<nn::Block<double>>> blocks;
      for (Seat const seat : hosting.seats()) {
        blocks.push_back(std::make_unique<UnevenBlock>(seat.stage, seat.stage == straggler));
      }
      Steps steps(blocks.size());
      RunSettings settings;
      settings.stage = {.stages = stages, .microbatches = microbatches};
      settings.order = Order::arrival;
      Run<double> run(world, {rules, cost}, settings, std::move(blocks), {steps});
      run.execute();
      check_bounds(tested, rules, hosting, steps);
      world.barrier();
    }
  }
}

}  // namespace
}  // namespace quartic::engine
