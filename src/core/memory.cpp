#include "quartic/core/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace quartic {
namespace {

thread_local char const* wanted_for = "";  // NOLINT: what MemoryPurpose sets

/// The number of the first line `key: N kB` of a file, in bytes; -1 where there is none.
std::int64_t kibibytes_of(char const* file, std::string const& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  }
  return -1;
}

/// The number that a file of a control group holds; -1 where there is none, or "max".
std::int64_t number_in(std::string const& file) {
  std::ifstream in(file);
  std::int64_t number = -1;
  return in >> number ? number : -1;
}

void add(std::vector<MemoryLimit>& limits, MemoryLimit limit) {
  constexpr std::int64_t boundless = std::int64_t{1} << 60;
  if (limit.bytes >= 0 && limit.bytes < boundless && limit.used >= 0)
    limits.push_back(std::move(limit));
}

void add_address_space(std::vector<MemoryLimit>& limits) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  add(limits, {"the address space is limited (ulimit -v)",
               static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, rlim_t{1} << 60)),
               kibibytes_of("/proc/self/status", "VmSize")});
}

/// The group of a line "0::/user.slice" or "4:memory:/job_7" of /proc/self/cgroup, and its parents.
void add_control_groups(std::vector<MemoryLimit>& limits) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    bool const is_second = line.starts_with("0::");
    auto const path_begin = line.rfind(':');
    if (!is_second && line.find(":memory:") == std::string::npos) continue;
    std::string const root = is_second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    std::string const limit = is_second ? "/memory.max" : "/memory.limit_in_bytes";
    std::string const used = is_second ? "/memory.current" : "/memory.usage_in_bytes";
    for (std::string group = line.substr(path_begin + 1); !group.empty();
         group = group.substr(0, group.rfind('/'))) {
      std::string const folder = root + (group == "/" ? "" : group);
      add(limits, {"the control group of this process is limited", number_in(folder + limit),
                   number_in(folder + used)});
    }
  }
}

std::int64_t left_of(MemoryLimit const& limit) {
  return std::max<std::int64_t>(0, limit.bytes - limit.used);
}

/// In decimal units, as the program writes sizes elsewhere.
std::string shown(std::int64_t bytes) {
  constexpr double giga = 1e9;
  if (static_cast<double>(bytes) >= giga)
    return fmt::format("{:.3g} GB", static_cast<double>(bytes) / giga);
  return fmt::format("{:.3g} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

std::vector<MemoryLimit> memory_limits() {
  std::vector<MemoryLimit> limits;
  add_address_space(limits);
  add_control_groups(limits);
  std::int64_t const total = kibibytes_of("/proc/meminfo", "MemTotal");
  add(limits, {"the memory of this node is limited", total,
               total - kibibytes_of("/proc/meminfo", "MemAvailable")});
  return limits;
}

std::int64_t available_memory_bytes() {
  std::int64_t available = std::int64_t{1} << 62;
  for (MemoryLimit const& limit : memory_limits()) available = std::min(available, left_of(limit));
  return available;
}

std::string tightest_memory_limit() {
  auto const limits = memory_limits();
  if (limits.empty()) return "no limit is known";
  auto const& tightest = *std::ranges::min_element(limits, {}, left_of);
  return fmt::format("{} to {}, of which {} are in use", tightest.name, shown(tightest.bytes),
                     shown(tightest.used));
}

MemoryPurpose::MemoryPurpose(char const* what) : outer_(wanted_for) {
  wanted_for = what;
}

MemoryPurpose::~MemoryPurpose() {
  wanted_for = outer_;
}

char const* MemoryPurpose::current() {
  return wanted_for;
}

OutOfMemory::OutOfMemory(std::size_t bytes) noexcept {
  try {
    char const* const what = MemoryPurpose::current();
    std::string const text =
        fmt::format("out of memory: {} bytes{}{} cannot be allocated; {}", bytes,
                    *what == '\0' ? "" : " for ", what, tightest_memory_limit());
    text.copy(text_, sizeof text_ - 1);
  } catch (...) {  // the words need a little memory, too
    std::string_view const plain = "out of memory";
    plain.copy(text_, sizeof text_ - 1);
  }
}

}  // namespace quartic
