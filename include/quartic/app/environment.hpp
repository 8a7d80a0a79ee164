#pragma once

#include <map>
#include <string>

#include "quartic/comm/communicator.hpp"

namespace quartic::app {

/// Collective. What the trace says of the machine and the build: git, cpu, blas_core, compiler,
/// flags, blas, device, products, mpi, hosts, started and, under Slurm, slurm_*. The same on every
/// rank.
std::map<std::string, std::string> environment(comm::Communicator& communicator);

/// Bytes of memory that the kernel says are free for use on this node.
std::int64_t available_memory_bytes();

}  // namespace quartic::app
