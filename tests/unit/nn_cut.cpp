#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "quartic/core/check.hpp"
#include "quartic/nn/cut.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

std::vector<nn::UnitSize> units_of(std::vector<std::int64_t> const& parameters,
                                   std::vector<std::int64_t> const& saved) {
  std::vector<nn::UnitSize> units;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    units.push_back({"unit", parameters[i], 0, 1, saved[i]});
  }
  return units;
}

struct Worst {
  double time = 0;
  std::int64_t bytes = 0;
};

Worst worst_of(std::vector<std::int64_t> const& cut, std::vector<double> const& costs,
               std::vector<nn::UnitSize> const& units, std::vector<nn::StageHolds> const& holds) {
  Worst worst;
  for (std::size_t stage = 0; stage < holds.size(); ++stage) {
    Part const part = nn::units_of_stage(cut, std::ssize(units), static_cast<int>(stage));
    auto const first = static_cast<std::size_t>(part.first);
    auto const size = static_cast<std::size_t>(part.size);
    double time = 0;
    for (std::size_t i = first; i < first + size; ++i) time += costs[i];
    auto const own = std::span(units).subspan(first, size);
    worst.time = std::max(worst.time, time);
    worst.bytes = std::max(worst.bytes, 4 * nn::elements_held(own, holds[stage]));
  }
  return worst;
}

// Every cut of `units` units into `stages` stages.
std::vector<std::vector<std::int64_t>> all_cuts(std::int64_t units, int stages) {
  std::vector<std::vector<std::int64_t>> cuts;
  for (int chosen = 0; chosen < 1 << (units - 1); ++chosen) {
    std::vector<std::int64_t> cut;
    for (std::int64_t first = 1; first < units; ++first) {
      if ((chosen >> (first - 1)) % 2 == 1) cut.push_back(first);
    }
    if (std::ssize(cut) == stages - 1) cuts.push_back(cut);
  }
  return cuts;
}

}  // namespace

TEST_CASE("the best cut has the fastest slowest stage of all cuts within the bound") {
  std::int64_t const count = 9;
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::vector<double> costs;
    std::vector<std::int64_t> parameters;
    std::vector<std::int64_t> saved;
    for (double const draw : normals<double>(count)) {
      costs.push_back(std::abs(draw));
      parameters.push_back(static_cast<std::int64_t>(1000 * std::abs(draw * draw)));
      saved.push_back(static_cast<std::int64_t>(300 * std::abs(std::sin(99 * draw))));
    }
    auto const units = units_of(parameters, saved);
    for (int const stages : {1, 2, 4, 9}) {
      std::vector<nn::StageHolds> holds;
      for (int stage = 0; stage < stages; ++stage)
        holds.push_back({stages - stage, stages - stage});
      auto const cuts = all_cuts(count, stages);
      std::int64_t least_bytes = std::numeric_limits<std::int64_t>::max();
      for (auto const& cut : cuts) {
        least_bytes = std::min(least_bytes, worst_of(cut, costs, units, holds).bytes);
      }
      for (std::int64_t const bound : {std::int64_t{0}, least_bytes, least_bytes * 5 / 4}) {
        double best = std::numeric_limits<double>::infinity();
        for (auto const& cut : cuts) {
          Worst const worst = worst_of(cut, costs, units, holds);
          if (bound == 0 || worst.bytes <= bound) best = std::min(best, worst.time);
        }
        auto const found = nn::best_cut(costs, units, holds, {bound, 4});
        nn::check_cut_by_hand(found, count, stages);
        CHECK(worst_of(found, costs, units, holds).time == doctest::Approx(best).epsilon(1e-12));
        if (bound > 0) CHECK(worst_of(found, costs, units, holds).bytes <= bound);
      }
      auto const message = "the smallest possible is " + std::to_string(least_bytes) + " bytes";
      CHECK_THROWS_WITH_AS(nn::best_cut(costs, units, holds, {least_bytes - 1, 4}),
                           doctest::Contains(message.c_str()), UsageError);
    }
  }
}

TEST_CASE("a cut by hand gives every unit to one stage, and each stage at least one") {
  using Cut = std::vector<std::int64_t>;
  CHECK_NOTHROW(nn::check_cut_by_hand(Cut{1, 2, 3}, 4, 4));
  CHECK_NOTHROW(nn::check_cut_by_hand(Cut{}, 4, 1));
  for (Cut const& cut : {Cut{1, 2}, Cut{0, 1, 2}, Cut{1, 1, 2}, Cut{2, 1, 3}, Cut{1, 2, 4}}) {
    CHECK_THROWS_WITH_AS(nn::check_cut_by_hand(cut, 4, 4), doctest::Contains("for example 1,2,3"),
                         UsageError);
  }
}
