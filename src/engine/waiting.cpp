#include "quartic/engine/waiting.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace quartic::engine {

Waiting::Waiting(comm::Communicator& communicator, comm::SharedClock const& clock,
                 std::int64_t patience_ns, std::function<bool()> meanwhile)
    : clock_(clock),
      meanwhile_(std::move(meanwhile)),
      planned_(static_cast<std::size_t>(communicator.size())),
      watchdog_(communicator, patience_ns, planned_),
      shares_cores_(communicator.ranks_on_node() >
                    static_cast<int>(std::thread::hardware_concurrency())) {}

void Waiting::idle(Wait const& wait, std::int64_t since_ns) {
  bool const evaluates = meanwhile_();
  std::int64_t const now_ns = clock_.now_ns();
  if (evaluates) {
    watchdog_.works(now_ns);
    return;
  }
  watchdog_.waits(wait, since_ns, now_ns);
  yield();
}

void Waiting::goes_on() {
  watchdog_.goes_on();
  idle_polls_ = 0;
}

/// Where ranks share cores, a rank that has waited long sleeps between looks, because one that only
/// yields still takes its share of the core from those that compute.
void Waiting::yield() {
  constexpr int patient_polls = 50;
  constexpr auto nap = std::chrono::microseconds(100);
  if (shares_cores_ && ++idle_polls_ > patient_polls) {
    std::this_thread::sleep_for(nap);
  } else {
    std::this_thread::yield();
  }
}

}  // namespace quartic::engine
