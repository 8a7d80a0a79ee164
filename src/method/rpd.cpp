#include <algorithm>
#include <charconv>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

/// Where an iteration's stage, microbatch and delays come from. Iteration k is microbatch k.
class Draws {
 public:
  virtual ~Draws() = default;
  virtual int stage(std::int64_t k) const = 0;
  virtual std::int64_t microbatch(std::int64_t k) const = 0;
  /// The delay of block `block`, at most k.
  virtual std::int64_t delay(std::int64_t k, int block) const = 0;
  /// The oldest iteration whose weights of the block iteration k, or a later one, may read.
  virtual std::int64_t oldest(std::int64_t k, int block) const = 0;
};

/// Stage and microbatch uniform, delays uniform on {0, …, min(δ, k)} or always min(δ, k).
class Random final : public Draws {
 public:
  Random(plan::Shape const& shape, std::int64_t delta, bool uniform)
      : shape_(shape), delta_(delta), uniform_(uniform) {}
  int stage(std::int64_t k) const override {
    return static_cast<int>(draw(StreamName::sampling, 0, k, shape_.stages));
  }
  std::int64_t microbatch(std::int64_t k) const override {
    return draw(StreamName::sampling, 1, k, shape_.epoch);
  }
  std::int64_t delay(std::int64_t k, int block) const override {
    std::int64_t const most = std::min(delta_, k);
    return uniform_ ? draw(StreamName::delays, static_cast<std::uint32_t>(block), k, most + 1)
                    : most;
  }
  std::int64_t oldest(std::int64_t k, int) const override {
    return std::max<std::int64_t>(0, k - delta_);
  }

 private:
  std::int64_t draw(StreamName name, std::uint32_t index, std::int64_t k, std::int64_t n) const {
    Stream stream(shape_.seed, name, index, static_cast<std::uint64_t>(k));
    return static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n)));
  }
  plan::Shape shape_;
  std::int64_t delta_;
  bool uniform_;
};

/// Draws that a file has recorded; its delays may exceed any δ.
class Replayed final : public Draws {
 public:
  Replayed(DelayTable table, plan::Shape const& shape) : table_(std::move(table)) {
    auto const stages = static_cast<std::size_t>(shape.stages);
    oldest_.resize(table_.delays.size());
    for (std::size_t k = table_.stage.size(); k-- > 0;) {
      for (std::size_t block = 0; block < stages; ++block) {
        std::size_t const at = k * stages + block;
        oldest_[at] = static_cast<std::int64_t>(k) - table_.delays[at];
        if (k + 1 < table_.stage.size()) oldest_[at] = std::min(oldest_[at], oldest_[at + stages]);
      }
    }
  }
  int stage(std::int64_t k) const override {
    return static_cast<int>(table_.stage[static_cast<std::size_t>(k)]);
  }
  std::int64_t microbatch(std::int64_t k) const override {
    return table_.microbatch[static_cast<std::size_t>(k)];
  }
  std::int64_t delay(std::int64_t k, int block) const override {
    return table_.delays[at(k, block)];
  }
  std::int64_t oldest(std::int64_t k, int block) const override {
    bool const ended = k >= std::ssize(table_.stage);
    return ended ? k : oldest_[at(k, block)];
  }

 private:
  std::size_t at(std::int64_t k, int block) const {
    return static_cast<std::size_t>(k * table_.stages + block);
  }
  DelayTable table_;
  std::vector<std::int64_t> oldest_;
};

/// One microbatch at a time: forward through all stages, the input gradient down to the sampled
/// stage, which alone forms its weight gradient and applies it.
class OneAtATime final : public plan::Schedule {
 public:
  explicit OneAtATime(std::shared_ptr<Draws const> draws) : draws_(std::move(draws)) {}
  Action next(plan::WorkerView const& view) const override {
    plan::StageView const& at = view.hosted.front();
    if (at.weight_backwards == view.microbatches) return {Kind::done, at.stage};
    if (at.backward_ready > at.backwards) {
      bool const sampled = draws_->stage(at.backwards) == at.stage;
      return {sampled ? Kind::backward : Kind::backward_input, at.stage, at.backwards};
    }
    if (at.forward_ready > at.forwards) return {Kind::forward, at.stage, at.forwards};
    return {};
  }
  std::int64_t activations(int) const override { return 1; }
  std::int64_t largest_in_pipeline() const override { return 1; }
  int sampled_stage(std::int64_t microbatch) const override { return draws_->stage(microbatch); }
  std::int64_t data_index(std::int64_t microbatch) const override {
    return draws_->microbatch(microbatch);
  }

 private:
  std::shared_ptr<Draws const> draws_;
};

/// Both passes of iteration k read the block as it was `delay` block updates ago.
class Delayed final : public plan::VersionRule {
 public:
  explicit Delayed(std::shared_ptr<Draws const> draws) : draws_(std::move(draws)) {}
  plan::Read forward(plan::PassView const& pass) const override {
    std::int64_t const k = pass.microbatch;
    std::int64_t const delay = draws_->delay(k, pass.at.stage);
    return {.version = pass.global->version_at(pass.at.stage, k - delay), .delay = delay};
  }
  plan::Read backward(plan::PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return true; }
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    int const stage = last.at.stage;
    return last.global->version_at(stage, draws_->oldest(last.microbatch + 1, stage));
  }
  bool needs_global_view() const override { return true; }

 private:
  std::shared_ptr<Draws const> draws_;
};

constexpr std::int64_t largest_delta = std::int64_t{1} << 40;
constexpr std::string_view fixed = "fixed:";
constexpr std::string_view replay = "replay:";

std::int64_t fixed_delay(std::string_view text) {
  std::int64_t delay = -1;
  char const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, delay);
  if (error != std::errc{} || stop != end || delay < 0) {
    usage_error("--delays fixed:{}: D must be a whole number >= 0", text);
  }
  return delay;
}

DelayTable checked(DelayTable table, plan::Shape const& shape, std::string const& file) {
  if (table.stages != shape.stages) {
    usage_error("{}: has delays for {} stages, but the run has --stages {}", file, table.stages,
                shape.stages);
  }
  if (std::ssize(table.stage) < shape.microbatches) {
    usage_error("{}: holds {} iterations; --microbatches must not exceed this number", file,
                table.stage.size());
  }
  for (std::size_t k = 0; k < table.stage.size(); ++k) {
    if (table.stage[k] < 0 || table.stage[k] >= shape.stages) {
      usage_error("{}: /stage[{}] is {}; valid: 0 to {}", file, k, table.stage[k],
                  shape.stages - 1);
    }
    if (table.microbatch[k] < 0) {
      usage_error("{}: /microbatch[{}] is {}; must be at least 0", file, k, table.microbatch[k]);
    }
  }
  auto const stages = static_cast<std::size_t>(shape.stages);
  for (std::size_t at = 0; at < table.delays.size(); ++at) {
    auto const k = static_cast<std::int64_t>(at / stages);
    if (table.delays[at] < 0 || table.delays[at] > k) {
      usage_error(
          "{}: /delays[{}][{}] is {}; valid: 0 to {}; a longer delay would reach before the start",
          file, k, at % stages, table.delays[at], k);
    }
  }
  return table;
}

std::shared_ptr<Draws const> make_draws(plan::Shape const& shape, OptionValues const& options) {
  std::string const& delays = options.all().at("delays");
  bool const has_delta = !options.all().at("delta").empty();
  if (delays == "uniform") {
    std::int64_t const paper = std::int64_t{shape.stages} * shape.stages - (shape.stages + 1) / 2;
    std::int64_t const delta = has_delta ? options.integer("delta", 0, largest_delta) : paper;
    return std::make_shared<Random>(shape, delta, true);
  }
  if (has_delta) usage_error("--delta: valid only with --delays uniform; --delays is {}", delays);
  if (delays.starts_with(fixed)) {
    return std::make_shared<Random>(shape, fixed_delay(delays.substr(fixed.size())), false);
  }
  if (delays.starts_with(replay)) {
    std::string const file = delays.substr(replay.size());
    return std::make_shared<Replayed>(checked(options.delay_table(file), shape, file), shape);
  }
  usage_error("--delays {}: unknown value; valid: uniform, fixed:D, replay:FILE", delays);
}

}  // namespace

/// Randomized PipeDream (Ilin and Richtarik 2026, algorithm 1): iteration k takes
/// the gradient of one sampled stage at a point whose blocks are each some block updates old.
Method rpd() {
  return {
      .name = "rpd",
      .order = "one microbatch at a time",
      .reads = {"delayed, by block", "the same"},
      .staleness = "as drawn",
      .drift = "0",
      .copies = "about delta/S",
      .activations = "1",
      .bubble = "about 1 - 1/S",
      .summary =
          "the model of the theory: each iteration updates one sampled stage, with a delay drawn "
          "for each block",
      .reference = "Ilin and Richtarik 2026, arXiv 2606.03498",
      .accumulates = false,
      .updates_one_stage = true,
      .options = {{"delays", "uniform",
                   "how delays are drawn: uniform, fixed:D, or replay:FILE (HDF5 with /stage, "
                   "/microbatch, /delays)"},
                  {"delta", "", "largest delay of --delays uniform (default: floor(S^2 - S/2))"}},
      .make = [](plan::Shape const& shape, OptionValues const& options) {
        auto const draws = make_draws(shape, options);
        return plan::Rules{.workers = shape.stages,
                           .schedule = std::make_unique<OneAtATime>(draws),
                           .versions = std::make_unique<Delayed>(draws),
                           .updates = std::make_unique<Every>(1)};
      }};
}

}  // namespace quartic::method
