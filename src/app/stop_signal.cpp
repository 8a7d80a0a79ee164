#include "quartic/app/stop_signal.hpp"

#include <array>
#include <csignal>

namespace quartic::app {
namespace {

constexpr std::array signals{SIGUSR1, SIGTERM};

volatile std::sig_atomic_t told_to_stop = 0;

/// Both go back to what they did, so that a second one ends the process.
void remember(int) {
  told_to_stop = 1;
  for (int const number : signals) std::signal(number, SIG_DFL);
}

}  // namespace

StopSignal::StopSignal() {
  told_to_stop = 0;
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (int const number : signals) sigaction(number, &action, nullptr);
}

StopSignal::~StopSignal() {
  for (int const number : signals) std::signal(number, SIG_DFL);
}

bool StopSignal::received() {
  return told_to_stop != 0;
}

}  // namespace quartic::app
