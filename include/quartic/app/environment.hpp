#pragma once

#include <map>
#include <string>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/engine/records.hpp"

namespace quartic::app {

/// Collective. What each rank computes with, by rank, on every rank.
std::vector<engine::RankRow> describe_ranks(comm::Communicator& communicator);

/// A line that says in what the ranks differ of that on which the bits of a result depend:
/// processor, BLAS kernels, build. Empty where they are alike.
std::string difference_of(std::vector<engine::RankRow> const& ranks);

/// Collective. What the trace says of the machine and the build: git, cpu, blas_core, blas_choice,
/// compiler, flags, blas, device, products, mpi, hosts, started and, under Slurm, slurm_*. The same
/// on every rank: cpu, blas_core and blas_choice list what the ranks have, each once.
std::map<std::string, std::string> environment(comm::Communicator& communicator,
                                               std::vector<engine::RankRow> const& ranks);

}  // namespace quartic::app
