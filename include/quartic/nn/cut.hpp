#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quartic/core/partition.hpp"
#include "quartic/nn/model.hpp"

namespace quartic::nn {

/// What a unit of a network is, for one microbatch; lengths in elements.
struct UnitSize {
  std::string name;  ///< of its first layer, as in the names of parameters
  std::int64_t parameters = 0;
  double flops = 0;  ///< of a forward
  std::int64_t input = 0;
  std::int64_t saved = 0;  ///< kept from the forward for the backward, besides the input
};

/// The units of a network in order. Failure for linear objectives, which are cut by columns.
std::vector<UnitSize> unit_sizes(ModelSpec const& spec);

/// A cut is the first units of stages 1 … S-1. The units of a stage:
Part units_of_stage(std::span<std::int64_t const> cut, std::int64_t units, int stage);

/// The cut that is most even in the number of units.
std::vector<std::int64_t> even_cut(std::int64_t units, int stages);

/// UsageError unless `cut` gives each of `stages` stages at least one unit, and each unit to one.
void check_cut_by_hand(std::span<std::int64_t const> cut, std::int64_t units, int stages);

/// What a stage holds at once: copies of its weights, and microbatches.
struct StageHolds {
  std::int64_t copies = 1;
  std::int64_t activations = 1;
};

/// Elements that a stage of these units keeps.
std::int64_t elements_held(std::span<UnitSize const> units, StageHolds holds);

struct MemoryBound {
  std::int64_t bytes = 0;  ///< of one stage; 0: none
  std::int64_t bytes_an_element = 4;
};

/// The contiguous cut whose slowest stage is the fastest, by the units' `costs`, of those whose
/// stages keep within the bound. UsageError that names the least bound when there is none. O(S n²)
/// for n units.
std::vector<std::int64_t> best_cut(std::span<double const> costs, std::span<UnitSize const> units,
                                   std::span<StageHolds const> holds, MemoryBound bound);

}  // namespace quartic::nn
