#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "quartic/app/command_line.hpp"
#include "quartic/app/commands.hpp"
#include "quartic/core/check.hpp"
#include "quartic_version.h"

namespace quartic::app {
namespace {

constexpr int exit_done = 0;
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

struct Subcommand {
  std::string_view name;
  std::string_view arguments;
  std::string_view summary;
  int (*run)(comm::Communicator&, std::vector<std::string> const&);
};

constexpr std::array<Subcommand, 6> subcommands{{
    {"run", "[options]", "train; writes the run folder", run_command},
    {"plan", "[options]", "print the plan of a run, without data or training", plan_command},
    {"methods", "[--markdown]", "print the tables of methods", methods_command},
    {"gather", "DIR", "merge the trace shards of an ended run into one trace.h5", gather_command},
    {"compare", "RUN RUN", "whether two runs are bitwise equal, and where they first differ",
     compare_command},
    {"info", "", "build, BLAS, MPI, HDF5, devices", info_command},
}};

std::string usage() {
  std::string text = "quartic: pipeline-parallel training, and what its staleness costs\n\n";
  for (Subcommand const& command : subcommands) {
    text += fmt::format("  quartic {:<18} {}\n",
                        fmt::format("{} {}", command.name, command.arguments), command.summary);
  }
  return text +
         "  quartic --help | --version | run --help | plan --help | compare --help\n\n"
         "mpirun -n 8 quartic run --stages 8 … puts a stage on each rank.\n";
}

int answer(comm::Communicator& communicator, std::string const& text) {
  if (communicator.rank() == 0) fmt::print("{}", text);
  return exit_done;
}

int run_subcommand(comm::Communicator& communicator, std::vector<std::string> arguments) {
  if (arguments.empty())
    usage_error("give a command: run, plan, methods, gather, compare or info; see quartic --help");
  std::string const name = arguments.front();
  arguments.erase(arguments.begin());
  bool const wants_help =
      std::find(arguments.begin(), arguments.end(), "--help") != arguments.end();
  if (name == "--help") return answer(communicator, usage());
  if (name == "--version") return answer(communicator, "quartic " QUARTIC_VERSION "\n");
  if (wants_help && name == "run") return answer(communicator, help(Command::run));
  if (wants_help && name == "plan") return answer(communicator, help(Command::plan));
  if (wants_help && name == "compare") return answer(communicator, compare_help());
  if (wants_help) return answer(communicator, usage());
  for (Subcommand const& command : subcommands) {
    if (command.name == name) return command.run(communicator, arguments);
  }
  usage_error("'{}' is not a command; valid: run, plan, methods, gather, compare, info", name);
}

/// An error is one line, whatever the words of the command line or the names of files hold.
std::string one_line(std::string text) {
  auto const is_control = [](char letter) {
    return (letter >= 0 && letter < ' ') || letter == 127;
  };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

/// What was asked for must have arrived: a full disk behind stdout is a failure too.
int printed(int exit_code) {
  if (std::fflush(stdout) != 0) failure("stdout cannot be written: {}", std::strerror(errno));
  return exit_code;
}

}  // namespace

int dispatch(comm::Communicator& communicator, std::vector<std::string> arguments) {
  try {
    return printed(run_subcommand(communicator, std::move(arguments)));
  } catch (UsageError const& error) {  // the same on every rank
    if (communicator.rank() == 0) fmt::print(stderr, "quartic: {}\n", one_line(error.what()));
    return exit_usage;
  } catch (comm::FailedElsewhere const&) {  // the rank it happened on says so and ends the job
    return exit_failure;
  } catch (std::exception const& error) {
    fmt::print(stderr, "quartic: rank {}: {}\n", communicator.rank(), one_line(error.what()));
    std::fflush(nullptr);
    communicator.abort(exit_failure);
  }
}

}  // namespace quartic::app
