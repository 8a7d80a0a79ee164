#include "quartic/app/stop_signal.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>

namespace quartic::app {
namespace {

constexpr std::array signals{SIGUSR1, SIGTERM, SIGHUP, SIGINT};

/// What comes within this time is the same wish, told twice: Slurm's SIGTERM reaches every process
/// of a job, and again those that another of them forwards it to.
constexpr std::int64_t same_wish_ns = 1'000'000'000;

/// When, 0: not yet.
std::atomic<std::int64_t> told_at_ns = 0;  // NOLINT: a signal handler has no other way to tell
/// By SIGUSR1, before or after SIGTERM.
std::atomic<bool> warned = false;  // NOLINT
/// Whether SIGINT (Ctrl-C) has come.
std::atomic<bool> interrupted = false;  // NOLINT
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(std::atomic<bool>::is_always_lock_free);

void remember(int number) {
  std::int64_t const now_ns = std::chrono::steady_clock::now().time_since_epoch().count();
  std::int64_t first_ns = 0;
  bool const is_first = told_at_ns.compare_exchange_strong(first_ns, now_ns);
  // On a busy node a launcher that has SIGTERM too may take its time to hand it on as SIGUSR1.
  bool const is_first_warning = number == SIGUSR1 && !warned.exchange(true);
  // Nobody hands Ctrl-C on: a second one is a second wish, however soon.
  bool const is_again = number == SIGINT && interrupted.exchange(true);
  bool const is_same_wish = now_ns - first_ns < same_wish_ns && !is_again;
  if (is_first || is_first_warning || is_same_wish) return;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  sigaction(number, nullptr, &action);
  if (action.sa_handler == SIG_IGN) return;
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, nullptr);
}

}  // namespace

void heed_warnings() {
  set_handler(SIGUSR1, remember);
}

void heed_stop_signals(bool has_launcher) {
  for (int const number : {SIGTERM, SIGHUP}) set_handler(number, remember);
  if (!has_launcher) set_handler(SIGINT, remember);
}

void obey_stop_signals() {
  for (int const number : signals) set_handler(number, SIG_DFL);
  if (told_to_stop()) std::raise(SIGTERM);
}

bool told_to_stop() {
  return told_at_ns != 0;
}

}  // namespace quartic::app
