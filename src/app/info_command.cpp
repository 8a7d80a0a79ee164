#include <fmt/core.h>

#include "quartic/app/commands.hpp"
#include "quartic/app/device.hpp"
#include "quartic/app/environment.hpp"
#include "quartic/compute/blas_start.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/trace_state.hpp"
#include "quartic_version.h"

namespace quartic::app {

int info_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (!arguments.empty()) usage_error("quartic info takes no arguments");
  auto const ranks = describe_ranks(communicator);
  auto const attributes = environment(communicator, ranks);
  std::string const devices = device_report(communicator);
  if (communicator.rank() != 0) return 0;
  fmt::print("quartic   {} ({}, {})\n", QUARTIC_VERSION, QUARTIC_GIT, QUARTIC_BUILD_TYPE);
  fmt::print("compiler  {} {}\n", attributes.at("compiler"), attributes.at("flags"));
  fmt::print("BLAS      {}, kernels for {}, {}\n", attributes.at("blas"),
             attributes.at("blas_core"), attributes.at("blas_choice"));
  std::string const& mpi = attributes.at("mpi");
  fmt::print("MPI       {}\n", mpi == "none" ? "not started (no launcher)" : mpi);
  fmt::print("HDF5      {}\n", io::hdf5_description());
  fmt::print("processor {}\n", attributes.at("cpu"));
  fmt::print("ranks     {} on {}\n", communicator.size(), attributes.at("hosts"));
  fmt::print("devices   {}\n", devices);
  for (std::string const& warning : {difference_of(ranks), compute::blas_warning()}) {
    if (!warning.empty()) fmt::print(stderr, "quartic: {}\n", warning);
  }
  return 0;
}

}  // namespace quartic::app
