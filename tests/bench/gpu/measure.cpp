#include "measure.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "quartic/compute/buffer.hpp"

namespace quartic::bench {
namespace {

void wait_for_device() {
  // Never destroyed: the runtime may have left the device before static objects end.
  static auto& one = *new compute::Buffer<float>(1);
  std::array<float, 1> value{};
  compute::to_host<float>(one.view(), value);
}

}  // namespace

Seconds measure(std::function<void()> const& work, int calls, int repetitions) {
  constexpr int warm = 2;
  std::vector<double> times;
  for (int repetition = -warm; repetition < repetitions; ++repetition) {
    auto const begin = std::chrono::steady_clock::now();
    for (int call = 0; call < calls; ++call) work();
    wait_for_device();
    std::chrono::duration<double> const passed = std::chrono::steady_clock::now() - begin;
    if (repetition >= 0) times.push_back(passed.count() / calls);
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2], times.back()};
}

double rate_row(std::string const& what, double amount, char const* unit, Seconds const& seconds,
                double whole, double target) {
  auto const rate = [&](double time) { return amount / time / 1e9; };
  double const median = rate(seconds.median);
  std::string share, wanted, verdict;
  if (whole > 0) share = fmt::format("{:.0f} %", 100 * median / whole);
  if (target > 0) {
    wanted = fmt::format("≥ {:.0f} %", 100 * target);
    verdict = median >= target * whole ? "met" : "missed";
  }
  fmt::print("| {} | {:.4g} ({:.4g} … {:.4g}) {} | {} | {} | {} |\n", what, median,
             rate(seconds.most), rate(seconds.least), unit, share, wanted, verdict);
  return median;
}

void time_row(std::string const& what, Seconds const& seconds) {
  fmt::print("| {} | {:.4g} ({:.4g} … {:.4g}) µs | | | |\n", what, 1e6 * seconds.median,
             1e6 * seconds.least, 1e6 * seconds.most);
}

}  // namespace quartic::bench
