#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <span>
#include <vector>

#include "quartic/nn/block.hpp"

namespace quartic::test {

/// Processor time of this thread: what others take of a busy core does not count.
inline std::int64_t processor_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// A stage without arithmetic: messages of 1 KiB of zeros, one parameter, and as much processor
/// time a pass as asked for.
class NullBlock : public nn::Block<double> {
 public:
  using Values = std::span<double>;
  using Input = std::span<double const>;

  NullBlock(int stage, int stages, std::int64_t pass_ns)
      : sizes_{stage > 0 ? message : 0, stage + 1 < stages ? message : 0, 0, 0},
        pass_ns_(pass_ns) {}

  std::int64_t parameter_count() const override { return 1; }
  std::vector<nn::Parameter> parameters() const override { return {{"weight", {1}, 0}}; }
  void initialise(Values weights, std::uint64_t) const override { weights[0] = 0; }
  nn::Sizes sizes(std::int64_t) const override { return sizes_; }

  double forward(nn::Batch batch, Input, Input, Values output, Values, nn::Pulse&) override {
    spend(batch);
    std::fill(output.begin(), output.end(), 0);
    return 0;
  }
  void backward_input(nn::Batch batch, Input, Input, Input, Input, Values input_gradient, Values,
                      nn::Pulse&) override {
    spend(batch);
    std::fill(input_gradient.begin(), input_gradient.end(), 0);
  }
  void backward_weight(nn::Batch, Input, Input, Input, Input, Input, Values, nn::Pulse&) override {}

  nn::SweepPlan sweep_plan() const override { return {1, 0, 0, 1, 1, false}; }
  std::int64_t sweep_output(nn::Sweep) const override { return sizes_.output; }
  std::int64_t sweep_input(nn::Sweep) const override { return sizes_.input; }
  void sweep_forward(nn::Sweep, Input, Input, Values, std::span<nn::Score>) override {}
  void sweep_backward(nn::Sweep, Input, Input, Values, std::span<nn::Score>) override {}

 protected:
  /// What a pass costs.
  virtual void spend(nn::Batch) {
    if (pass_ns_ == 0) return;
    std::int64_t const end_ns = processor_ns() + pass_ns_;
    while (processor_ns() < end_ns) continue;
  }

 private:
  static constexpr std::int64_t message = 128;

  nn::Sizes sizes_;
  std::int64_t pass_ns_;
};

}  // namespace quartic::test
