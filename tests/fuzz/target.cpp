#include "fuzz/target.hpp"

#include <H5public.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "quartic/core/check.hpp"

namespace quartic::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<Target>& registry() {
  static std::vector<Target> all;
  return all;
}

// Goes with the process, unless that is killed.
class Workplace {
 public:
  Workplace() {
    fs::path const memory = "/dev/shm";
    fs::path const parent = fs::is_directory(memory) ? memory : fs::temp_directory_path();
    std::string name = (parent / "quartic_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) failure("{}: cannot be made", name);
    path_ = name;
  }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workplace(Workplace const&) = delete;
  Workplace& operator=(Workplace const&) = delete;
  fs::path const& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Registration::Registration(Target const& target) {
  auto& all = registry();
  auto const after = std::find_if(all.begin(), all.end(),
                                  [&](Target const& other) { return target.name < other.name; });
  all.insert(after, target);
}

std::span<Target const> targets() {
  return registry();
}

Target const& find_target(std::string_view name) {
  for (Target const& target : targets()) {
    if (target.name == name) return target;
  }
  std::string names;
  for (Target const& target : targets()) names += fmt::format(" {}", target.name);
  usage_error("no reader is called {}; there are{}", quartic::quoted(name), names);
}

fs::path const& workplace() {
  static Workplace const here;
  return here.path();
}

std::string place(std::string const& name, std::string_view bytes) {
  fs::path const path = workplace() / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  return path.string();
}

std::string bytes_of(fs::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

double processor_seconds() {
  double seconds = 0;
  for (auto const whose : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(whose, &usage);
    for (timeval const& time : {usage.ru_utime, usage.ru_stime})
      seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  }
  return seconds;
}

void tell_leaks_apart() {
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
}

}  // namespace quartic::fuzz
