#include "quartic/app/environment.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <set>

#include "quartic/app/device.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/device.hpp"
#include "quartic_version.h"

namespace quartic::app {
namespace {

/// The value of the first line `key … separator value` of a /proc file; empty where there is none.
std::string proc_value(char const* file, std::string const& key, char separator) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    auto const at = line.find(separator);
    if (line.rfind(key, 0) != 0 || at == std::string::npos) continue;
    auto const begin = line.find_first_not_of(" \t", at + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

void add_slurm(std::map<std::string, std::string>& attributes) {
  constexpr std::array<std::array<char const*, 2>, 4> variables{
      {{"SLURM_JOB_ID", "slurm_job_id"},
       {"SLURM_ARRAY_TASK_ID", "slurm_array_task_id"},
       {"SLURM_JOB_NODELIST", "slurm_nodelist"},
       {"SLURM_RESTART_COUNT", "slurm_restart_count"}}};
  for (auto const& [variable, name] : variables) {
    if (char const* const value = std::getenv(variable)) attributes[name] = value;
  }
}

}  // namespace

std::map<std::string, std::string> environment(comm::Communicator& communicator) {
  std::vector<std::string> const all_hosts = communicator.gather(comm::Communicator::host());
  std::set<std::string> const hosts(all_hosts.begin(), all_hosts.end());
  std::string const started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  std::map<std::string, std::string> attributes{
      {"git", QUARTIC_GIT},
      {"cpu", proc_value("/proc/cpuinfo", "model name", ':')},
      {"blas_core", compute::blas_core()},
      {"compiler", "g++ " __VERSION__},
      {"flags", QUARTIC_FLAGS},
      {"blas", compute::blas_description()},
      {"device", compute::computes_on()},
      {"products", compute::products_by()},
      {"mpi", communicator.description()},
      {"hosts", fmt::format("{}", fmt::join(hosts, ","))},
      {"started", communicator.broadcast(started, 0)},
  };
  if (!compute::computes_on_host())
    attributes["devices"] = fmt::format("{}", fmt::join(devices_of_ranks(communicator), ","));
  add_slurm(attributes);
  return attributes;
}

std::int64_t available_memory_bytes() {
  std::string const kib = proc_value("/proc/meminfo", "MemAvailable", ':');
  return kib.empty() ? std::int64_t{1} << 62 : std::strtoll(kib.c_str(), nullptr, 10) * 1024;
}

}  // namespace quartic::app
