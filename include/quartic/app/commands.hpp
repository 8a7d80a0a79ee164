#pragma once

#include <string>
#include <vector>

#include "quartic/comm/communicator.hpp"

/// The subcommands. Each is called on every rank and returns the exit code; UsageError and Failure
/// are main's to report.
namespace quartic::app {

int run_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);
int plan_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);
int methods_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);
int gather_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);
int compare_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);
int info_command(comm::Communicator& communicator, std::vector<std::string> const& arguments);

/// The help of `quartic compare`.
std::string compare_help();

/// Finds the subcommand, runs it, and turns what it throws into one line and an exit code.
int dispatch(comm::Communicator& communicator, std::vector<std::string> arguments);

}  // namespace quartic::app
