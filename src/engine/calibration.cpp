#include "quartic/engine/calibration.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "quartic/comm/tags.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/core/clock.hpp"
#include "quartic/engine/gather_rows.hpp"

namespace quartic::engine {
namespace {

constexpr int warm_up = 2;
constexpr int measured = 7;

class NoPulse final : public nn::Pulse {
 public:
  void beat() override {}
};

double median_seconds(std::array<std::int64_t, measured>& durations) {
  std::sort(durations.begin(), durations.end());
  return std::max(1e-9, 1e-9 * static_cast<double>(durations[measured / 2]));
}

/// Seconds of half a round trip of an empty message between ranks 0 and 1; 0 with one rank.
double half_round_trip(comm::Communicator& communicator) {
  constexpr int tag = comm::Tag::calibration;
  if (communicator.size() == 1) return 0;
  std::array<std::int64_t, measured> durations{};
  for (int i = -warm_up; i < measured; ++i) {
    std::int64_t const begin = monotonic_ns();
    int const here = communicator.rank();
    if (here == 0) communicator.send_now(comm::Message(0), 1, tag);
    if (here <= 1) static_cast<void>(communicator.receive_now(comm::Message(0), 1 - here, tag));
    if (here == 1) communicator.send_now(comm::Message(0), 0, tag);
    if (i >= 0) durations[static_cast<std::size_t>(i)] = monotonic_ns() - begin;
  }
  return median_seconds(durations) / 2;
}

}  // namespace

template <class T>
plan::Cost::Measured measure_stage(nn::Block<T>& block, std::int64_t microbatch_size,
                                   std::uint64_t seed) {
  nn::Sizes const sizes = block.sizes(microbatch_size);
  using Values = compute::Buffer<T>;
  Values weights(block.parameter_count()), gradient(block.parameter_count());
  std::vector<T> staging;
  compute::write_by_host(weights.view(), staging,
                         [&](std::span<T> values) { block.initialise(values, seed); });
  Values input(sizes.input), input_gradient(sizes.input);
  Values output(sizes.output), output_gradient(sizes.output);
  Values saved(sizes.saved), flow(sizes.flow);
  nn::Batch const batch{0, 0, microbatch_size};
  NoPulse pulse;
  std::array<std::array<std::int64_t, measured>, 3> durations{};
  for (int i = -warm_up; i < measured; ++i) {
    std::array<std::int64_t, 4> times{monotonic_ns(), 0, 0, 0};
    block.forward(batch, weights.view(), input.view(), output.view(), saved.view(), pulse);
    times[1] = monotonic_ns();
    block.backward_input(batch, weights.view(), input.view(), saved.view(), output_gradient.view(),
                         input_gradient.view(), flow.view(), pulse);
    times[2] = monotonic_ns();
    block.backward_weight(batch, weights.view(), input.view(), saved.view(), output_gradient.view(),
                          flow.view(), gradient.view(), pulse);
    times[3] = monotonic_ns();
    for (std::size_t part = 0; part < 3 && i >= 0; ++part) {
      durations[part][static_cast<std::size_t>(i)] = times[part + 1] - times[part];
    }
  }
  return {median_seconds(durations[0]), median_seconds(durations[1]), median_seconds(durations[2])};
}

template <class T>
std::string measured_costs(comm::Communicator& communicator, Hosting const& hosting,
                           std::vector<std::unique_ptr<nn::Block<T>>> const& hosted,
                           std::int64_t microbatch_size, std::uint64_t seed) {
  struct OfStage {
    int stage;
    plan::Cost::Measured cost;
  };
  std::vector<OfStage> mine;
  for (std::size_t place = 0; place < hosted.size(); ++place) {
    Seat const seat = hosting.seats()[place];
    if (seat.pipeline > 0) continue;  // the plan is that of the first
    mine.push_back({seat.stage, measure_stage(*hosted[place], microbatch_size, seed)});
  }
  std::vector<plan::Cost::Measured> all(static_cast<std::size_t>(hosting.stages()));
  for (OfStage const& measured_stage : gather_rows(communicator, mine)) {
    all[static_cast<std::size_t>(measured_stage.stage)] = measured_stage.cost;
  }
  double const latency = half_round_trip(communicator);
  return communicator.broadcast(plan::Cost::measured_text(all, latency), 0);
}

template plan::Cost::Measured measure_stage(nn::Block<float>&, std::int64_t, std::uint64_t);
template plan::Cost::Measured measure_stage(nn::Block<double>&, std::int64_t, std::uint64_t);
template std::string measured_costs(comm::Communicator&, Hosting const&,
                                    std::vector<std::unique_ptr<nn::Block<float>>> const&,
                                    std::int64_t, std::uint64_t);
template std::string measured_costs(comm::Communicator&, Hosting const&,
                                    std::vector<std::unique_ptr<nn::Block<double>>> const&,
                                    std::int64_t, std::uint64_t);

}  // namespace quartic::engine
