#include "quartic/nn/cut.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "quartic/core/check.hpp"

namespace quartic::nn {
namespace {

constexpr double impossible = std::numeric_limits<double>::infinity();

struct Found {
  double worst = impossible;  ///< of its stages
  std::vector<std::int64_t> cut;
};

/// Dynamic programming over prefixes of the units: the best way to give the first `end` of them to
/// the first stages is the best of all last stages after the best way before it. `cost(stage,
/// part)` is infinite where a stage cannot be.
template <class Cost>
Found least_worst(std::int64_t units, int stages, Cost cost) {
  auto const ends = static_cast<std::size_t>(units) + 1;
  std::vector<double> before(ends, impossible);
  before[0] = 0;
  std::vector<std::vector<std::int64_t>> begins;
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<double> best(ends, impossible);
    auto& begin_of = begins.emplace_back(ends, 0);
    for (std::int64_t end = stage + 1; end <= units; ++end) {
      auto const e = static_cast<std::size_t>(end);
      for (std::int64_t begin = stage; begin < end; ++begin) {
        double const worst = std::max(before[static_cast<std::size_t>(begin)],
                                      cost(stage, Part{begin, end - begin}));
        if (worst >= best[e]) continue;
        best[e] = worst;
        begin_of[e] = begin;
      }
    }
    before = std::move(best);
  }
  Found found{before.back(), {}};
  std::int64_t end = units;
  for (int stage = stages - 1; stage > 0; --stage) {
    end = begins[static_cast<std::size_t>(stage)][static_cast<std::size_t>(end)];
    found.cut.insert(found.cut.begin(), end);
  }
  return found;
}

template <class Values>
auto part_of(Values values, Part part) {
  return values.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.size));
}

}  // namespace

Part units_of_stage(std::span<std::int64_t const> cut, std::int64_t units, int stage) {
  auto const at = static_cast<std::size_t>(stage);
  std::int64_t const first = stage == 0 ? 0 : cut[at - 1];
  return {first, (at == cut.size() ? units : cut[at]) - first};
}

std::vector<std::int64_t> even_cut(std::int64_t units, int stages) {
  std::vector<std::int64_t> cut;
  for (int stage = 1; stage < stages; ++stage) {
    cut.push_back(even_part(units, stages, stage).first);
  }
  return cut;
}

void check_cut_by_hand(std::span<std::int64_t const> cut, std::int64_t units, int stages) {
  bool const as_many = std::ssize(cut) == stages - 1;
  bool const ascends = std::is_sorted(cut.begin(), cut.end(), std::less_equal<>());
  bool const inside = cut.empty() || (cut.front() >= 1 && cut.back() < units);
  if (as_many && ascends && inside) return;
  usage_error(
      "--cut {}: must list the first unit of each of the stages 1 to {}, in ascending order, from "
      "1 to {}; for example {}",
      fmt::join(cut, ","), stages - 1, units - 1, fmt::join(even_cut(units, stages), ","));
}

std::int64_t elements_held(std::span<UnitSize const> units, StageHolds holds) {
  std::int64_t parameters = 0;
  std::int64_t kept = units.front().input;
  for (UnitSize const& unit : units) {
    parameters += unit.parameters;
    kept += unit.saved;
  }
  return parameters * holds.copies + kept * holds.activations;
}

std::vector<std::int64_t> best_cut(std::span<double const> costs, std::span<UnitSize const> units,
                                   std::span<StageHolds const> holds, MemoryBound bound) {
  int const stages = static_cast<int>(holds.size());
  auto const held = [&](int stage, Part part) {
    return bound.bytes_an_element *
           elements_held(part_of(units, part), holds[static_cast<std::size_t>(stage)]);
  };
  auto const time = [&](int stage, Part part) {
    if (bound.bytes > 0 && held(stage, part) > bound.bytes) return impossible;
    double sum = 0;
    for (double const cost : part_of(costs, part)) sum += cost;
    return sum;
  };
  Found found = least_worst(std::ssize(units), stages, time);
  if (found.worst < impossible) return std::move(found.cut);
  Found const leanest = least_worst(std::ssize(units), stages, [&](int stage, Part part) {
    return static_cast<double>(held(stage, part));
  });
  usage_error(
      "--memory-bound {}: no cut into {} stages stays within this bound; the smallest possible is "
      "{:.0f} bytes",
      bound.bytes, stages, leanest.worst);
}

}  // namespace quartic::nn
