#include "quartic/app/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "quartic/core/check.hpp"

namespace quartic::app {
namespace {

int number_in(char const* variable) {
  char const* const value = std::getenv(variable);
  return value == nullptr ? 0
                          : std::atoi(value);  // NOLINT(cert-err34-c): what is no number is none
}

/// A batch script has SLURM_NTASKS of its job, and is one process rightly.
bool is_batch_script() {
  return std::getenv("SLURM_JOB_ID") != nullptr && std::getenv("SLURM_STEP_ID") == nullptr;
}

}  // namespace

void prepare_process() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // The lowest number that is free, which is this one.
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

void refuse_lone_ranks(comm::Communicator const& communicator) {
  if (communicator.size() > 1) return;
  for (char const* const variable : {"SLURM_STEP_NUM_TASKS", "PMI_SIZE", "SLURM_NTASKS"}) {
    bool const counts = std::string_view(variable) != "SLURM_NTASKS" || !is_batch_script();
    if (!counts || number_in(variable) <= 1) continue;
    usage_error(
        "{} is {}, but MPI sees one process, so each of these processes would train the whole "
        "pipeline; start them with `srun --mpi=pmix` or mpirun",
        variable, number_in(variable));
  }
}

}  // namespace quartic::app
