// mutate_readers SEEDS COUNT [READER [CASE]]: COUNT mutated files for every reader, the same every
// time. No crash, nothing over five seconds of processor time, and nothing accepted that is not
// what its bytes say:
//
//   seeds named whole…        any truncation must be refused
//   seeds named checksummed…  that too, and whatever is accepted must read as the seed does
//
// Prints a line a reader. A finding is told with its case, which runs it again, and its bytes are
// kept in the working folder; exit code 1.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "fuzz/mutation.hpp"
#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"

namespace quartic::fuzz {
namespace {

/// By the clock, for what waits for ever; a busy machine may take long for five seconds' work.
constexpr int patience_seconds = 60;

struct Seed {
  std::string name;
  std::string bytes;
  std::optional<std::string> content;  ///< of a checksummed one, as its reader reads it
  bool whole = false;
};

/// What a signal finds at work. A file name and a piece of text are all that it may use.
struct AtWork {
  std::string bytes;
  std::string place;  ///< where the bytes are kept if this is a finding
};
AtWork at_work;  // NOLINT: a signal handler has no other way to know

void keep() {
  int const file = ::open(at_work.place.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  [[maybe_unused]] auto const written = ::write(file, at_work.bytes.data(), at_work.bytes.size());
  ::close(file);
}

void tell(char const* text) {
  [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text, std::strlen(text));
}

extern "C" void end_of_case(int signal) {
  tell(at_work.place.c_str());
  tell(signal == SIGALRM ? ": comes to no end\n" : ": crashes the reader\n");
  keep();
  ::_exit(1);
}

void watch() {
  for (int const signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
    std::signal(signal, end_of_case);
  }
}

std::vector<Seed> seeds_of(Target const& target, std::filesystem::path const& folder) {
  std::vector<Seed> seeds;
  if (!std::filesystem::is_directory(folder))
    usage_error("{}: is no folder of seeds", folder.string());
  for (auto const& entry : std::filesystem::directory_iterator(folder)) {
    Seed seed{entry.path().filename().string(), bytes_of(entry.path()), {}, false};
    bool const checksummed = seed.name.starts_with("checksummed");
    seed.whole = checksummed || seed.name.starts_with("whole");
    std::string content = target.read(seed.bytes);  // every seed is a valid file
    if (checksummed) seed.content = std::move(content);
    seeds.push_back(std::move(seed));
  }
  if (seeds.empty()) usage_error("{}: holds no seeds", folder.string());
  std::sort(seeds.begin(), seeds.end(),
            [](auto const& a, auto const& b) { return a.name < b.name; });
  return seeds;
}

class Trial {
 public:
  Trial(Target const& target, std::filesystem::path const& folder)
      : target_(target), seeds_(seeds_of(target, folder / target.name)) {
    for (Seed const& seed : seeds_) bytes_.push_back(seed.bytes);
  }

  void one(std::uint64_t number) {
    Seed const& seed = seeds_[number % seeds_.size()];
    at_work = {Mutator(bytes_, number).mutate(seed.bytes),
               fmt::format("finding-{}-{}", target_.name, number)};
    ++cases_;
    ::alarm(patience_seconds);
    double const begin = processor_seconds();
    try {
      require_right(seed, target_.read(at_work.bytes));
    } catch (UsageError const&) {
      ++refused_;
    } catch (std::exception const& error) {
      found(seed, error.what());
    }
    ::alarm(0);
    if (processor_seconds() - begin > most_processor_seconds) found(seed, "takes more than 5 s");
  }

  int findings() const { return findings_; }
  void report(double seconds) const {
    fmt::print("{:<16} {:>7} inputs, {:>7} refused, {} findings, {:.0f} a second\n", target_.name,
               cases_, refused_, findings_, cases_ / seconds);
    std::fflush(stdout);  // a later finding may end the process
  }

 private:
  void found(Seed const& seed, char const* what) {
    ++findings_;
    keep();
    fmt::print(stderr, "{}: of {}: {}\n", at_work.place, seed.name, what);
  }
  void require_right(Seed const& seed, std::string const& content) const {
    bool const prefix =
        at_work.bytes.size() < seed.bytes.size() && seed.bytes.starts_with(at_work.bytes);
    if (seed.whole && prefix) throw Finding("accepted, and is truncated");
    if (seed.content && content != *seed.content)
      throw Finding(
          fmt::format("accepted as {}, and its checksum is that of {}", content, *seed.content));
  }

  Target const& target_;
  std::vector<Seed> seeds_;
  std::vector<std::string> bytes_;
  int cases_ = 0;
  int refused_ = 0;
  int findings_ = 0;
};

std::uint64_t number(char const* text) {
  std::uint64_t value = 0;
  auto const* const end = text + std::strlen(text);
  if (std::from_chars(text, end, value).ptr != end || end == text)
    usage_error("{} is no number; mutate_readers SEEDS COUNT [READER [CASE]]", quoted(text));
  return value;
}

int try_reader(Target const& target, std::filesystem::path const& folder, std::uint64_t first,
               std::uint64_t end) {
  Trial trial(target, folder);
  auto const begin = std::chrono::steady_clock::now();
  for (std::uint64_t at = first; at < end; ++at) trial.one(at);
  std::chrono::duration<double> const time = std::chrono::steady_clock::now() - begin;
  trial.report(time.count());
  return trial.findings();
}

int try_readers(std::span<char*> arguments) {
  if (arguments.size() < 3 || arguments.size() > 5)
    usage_error("mutate_readers SEEDS COUNT [READER [CASE]]");
  std::filesystem::path const folder = arguments[1];
  std::uint64_t const count = number(arguments[2]);
  watch();
  if (arguments.size() == 5) {
    std::uint64_t const only = number(arguments[4]);
    return try_reader(find_target(arguments[3]), folder, only, only + 1);
  }
  if (arguments.size() == 4) return try_reader(find_target(arguments[3]), folder, 0, count);
  int findings = 0;
  for (Target const& target : targets()) findings += try_reader(target, folder, 0, count);
  return findings;
}

}  // namespace
}  // namespace quartic::fuzz

int main(int argc, char** argv) {
  try {
    quartic::fuzz::tell_leaks_apart();
    return quartic::fuzz::try_readers({argv, static_cast<std::size_t>(argc)}) == 0 ? 0 : 1;
  } catch (std::exception const& error) {
    fmt::print(stderr, "mutate_readers: {}\n", error.what());
    return 2;
  }
}
