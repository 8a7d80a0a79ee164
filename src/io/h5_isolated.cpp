#include "quartic/io/h5_isolated.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "quartic/core/check.hpp"

namespace quartic::io::h5 {
namespace {

/// The last byte of what a child says: what the others are.
enum class Answer : char { bytes = 'b', usage_error = 'u', failure = 'f' };

[[noreturn]] void fail_system(char const* call) {
  failure("{} failed: {}", call, std::error_code(errno, std::generic_category()).message());
}

/// The parent's handlers of signals, and its patience, are not the child's; signals that ask a run
/// to stop, which may go to all its processes, are the parent's alone. The slowest that is honest
/// is a packed file of one number, a thousand times its size: some seconds a megabyte.
void prepare_child(std::uintmax_t file_bytes) {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  for (int const signal : {SIGUSR1, SIGTERM}) std::signal(signal, SIG_IGN);
  rlim_t const seconds = 1 + (10 * file_bytes >> 20);
  rlimit limit{};
  if (::getrlimit(RLIMIT_CPU, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, seconds);
  ::setrlimit(RLIMIT_CPU, &limit);
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

std::string answer_of(std::function<std::string()> const& work) {
  auto const marked = [](std::string text, Answer kind) { return text += static_cast<char>(kind); };
  try {
    return marked(work(), Answer::bytes);
  } catch (UsageError const& error) {
    return marked(error.what(), Answer::usage_error);
  } catch (std::exception const& error) {
    return marked(error.what(), Answer::failure);
  }
}

/// Without the exit handlers, which are the parent's.
[[noreturn]] void serve(int pipe, std::function<std::string()> const& work) {
  std::string const answer = answer_of(work);
  for (std::size_t sent = 0; sent < answer.size();) {
    ssize_t const count = ::write(pipe, answer.data() + sent, answer.size() - sent);
    if (count < 0 && errno != EINTR) ::_exit(1);
    sent += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  ::_exit(0);
}

std::string receive(int pipe) {
  std::string answer;
  std::array<char, std::size_t{1} << 16> block{};
  while (true) {
    ssize_t const count = ::read(pipe, block.data(), block.size());
    if (count == 0) return answer;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_system("read");
    answer.append(block.data(), static_cast<std::size_t>(count));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail_system("waitpid");
  }
  return status;
}

void check_end(int status, std::filesystem::path const& file) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
    usage_error("{}: is damaged: HDF5 does not finish reading it", file.string());
  }
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  bool const crashed = WIFSIGNALED(status) &&
                       std::find(crashes.begin(), crashes.end(), WTERMSIG(status)) != crashes.end();
  if (crashed) {
    usage_error("{}: is damaged: HDF5 crashes reading it ({})", file.string(),
                ::strsignal(WTERMSIG(status)));
  }
  if (WIFSIGNALED(status)) {
    failure("{}: the process that reads it was killed by a signal ({})", file.string(),
            ::strsignal(WTERMSIG(status)));
  }
  if (status != 0) failure("{}: the process that reads it failed", file.string());
}

}  // namespace

std::string isolated_bytes(std::filesystem::path const& file,
                           std::function<std::string()> const& work, std::uintmax_t other_bytes) {
  std::error_code none;
  std::uintmax_t const size = std::filesystem::file_size(file, none);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_system("pipe2");
  pid_t const child = ::fork();
  if (child < 0) fail_system("fork");
  if (child == 0) {
    prepare_child((none ? 0 : size) + other_bytes);
    serve(ends[1], work);
  }
  ::close(ends[1]);
  std::string answer = receive(ends[0]);
  ::close(ends[0]);
  check_end(wait_for(child), file);
  auto const kind = static_cast<Answer>(answer.back());
  answer.pop_back();
  if (kind == Answer::usage_error) throw UsageError(answer);
  if (kind == Answer::failure) throw Failure(answer);
  return answer;
}

}  // namespace quartic::io::h5
