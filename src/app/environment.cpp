#include "quartic/app/environment.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <set>

#include "quartic/app/device.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/blas_start.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/engine/gather_rows.hpp"
#include "quartic_version.h"

#define QUARTIC_COMPILER "g++ " __VERSION__

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

template <std::size_t size>
void put(std::array<char, size>& field, std::string const& text) {
  std::copy_n(text.begin(), std::min(text.size(), size - 1), field.begin());
}

/// What the ranks have in this column, each once, in order.
template <class Column>
std::string distinct(std::vector<engine::RankRow> const& ranks, Column column) {
  std::set<std::string> values;
  for (engine::RankRow const& row : ranks) values.insert((row.*column).data());
  return fmt::format("{}", fmt::join(values, ","));
}

/// The words "… is A on rank 0 and B on rank 3" for the first rank that differs from rank 0; empty
/// where none does.
template <class Column>
std::string difference_in(std::vector<engine::RankRow> const& ranks, char const* name,
                          Column column) {
  for (engine::RankRow const& row : ranks) {
    if (row.*column == ranks.front().*column) continue;
    return fmt::format("{} is '{}' on rank 0 and '{}' on rank {}", name,
                       (ranks.front().*column).data(), (row.*column).data(), row.rank);
  }
  return {};
}

}  // namespace

std::vector<engine::RankRow> describe_ranks(comm::Communicator& communicator) {
  engine::RankRow row;
  row.start = 0;
  row.rank = communicator.rank();
  row.threads = compute::blas_threads();
  put(row.host, comm::Communicator::host());
  put(row.cpu, proc_value("/proc/cpuinfo", "model name", ':'));
  put(row.blas_core, compute::blas_core());
  put(row.blas_choice, compute::blas_choice());
  put(row.build, QUARTIC_VERSION " " QUARTIC_GIT ", " QUARTIC_COMPILER ", " QUARTIC_FLAGS);
  return engine::gather_rows(communicator, std::vector{row});
}

std::string difference_of(std::vector<engine::RankRow> const& ranks) {
  using Row = engine::RankRow;
  std::vector<std::string> differences{difference_in(ranks, "cpu", &Row::cpu),
                                       difference_in(ranks, "blas_core", &Row::blas_core),
                                       difference_in(ranks, "build", &Row::build)};
  std::erase(differences, "");
  if (differences.empty()) return {};
  return fmt::format(
      "the ranks differ: {}; results may differ in the last bits from those of equal ranks",
      fmt::join(differences, "; "));
}

std::map<std::string, std::string> environment(comm::Communicator& communicator,
                                               std::vector<engine::RankRow> const& ranks) {
  using Row = engine::RankRow;
  std::string const started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  std::map<std::string, std::string> attributes{
      {"git", QUARTIC_GIT},
      {"cpu", distinct(ranks, &Row::cpu)},
      {"blas_core", distinct(ranks, &Row::blas_core)},
      {"blas_choice", distinct(ranks, &Row::blas_choice)},
      {"compiler", QUARTIC_COMPILER},
      {"flags", QUARTIC_FLAGS},
      {"blas", compute::blas_description()},
      {"device", compute::computes_on()},
      {"products", compute::products_by()},
      {"mpi", communicator.description()},
      {"hosts", distinct(ranks, &Row::host)},
      {"started", communicator.broadcast(started, 0)},
  };
  if (!compute::computes_on_host())
    attributes["devices"] = fmt::format("{}", fmt::join(devices_of_ranks(communicator), ","));
  add_slurm(attributes);
  return attributes;
}

}  // namespace quartic::app
