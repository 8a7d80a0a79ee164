#include <filesystem>

#include "quartic/app/commands.hpp"
#include "quartic/app/run_folder.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/trace.hpp"

namespace quartic::app {

int gather_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (arguments.size() != 1) usage_error("quartic gather takes one argument, the run folder");
  std::filesystem::path const folder = arguments.front();
  comm::agree(communicator, [&] {
    if (communicator.rank() != 0) return;
    if (!std::filesystem::exists(folder / "trace.h5"))
      usage_error("{}: contains no trace.h5; give a run folder", folder.string());
    if (!std::filesystem::exists(folder / "ranks"))
      usage_error("{}: its trace is already gathered", folder.string());
    FileLock lock(folder / "lock");
    io::gather(folder, false);
    lock.settle();
  });
  return 0;
}

}  // namespace quartic::app
