#include "quartic/plan/cost.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"

namespace quartic::plan {
namespace {

constexpr double largest_cost = 1e6;

double number(std::string_view key, std::string_view text, bool zero_allowed) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const read = error == std::errc{} && end == text.data() + text.size();
  if (!read || !(value >= 0) || value > largest_cost || (value == 0 && !zero_allowed)) {
    usage_error("--cost: '{}={}' must be a number {} 0 and at most {:g}", key, text,
                zero_allowed ? ">=" : ">", largest_cost);
  }
  return value;
}

Ticks ticks(double units) {
  return static_cast<Ticks>(std::llround(units * static_cast<double>(ticks_per_unit)));
}

Ticks positive_ticks(double units) {
  return std::max<Ticks>(1, ticks(units));
}

Ticks scaled(Ticks cost, double factor) {
  return std::max<Ticks>(1, std::llround(static_cast<double>(cost) * factor));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

Cost Cost::parse(std::string_view text, int stages, std::uint64_t seed, double message_bytes) {
  Cost cost;
  cost.bytes_ = message_bytes;
  cost.text_ = text;
  cost.seed_ = seed;
  cost.stages_.resize(static_cast<std::size_t>(stages));
  if (text == "slot") {
    cost.unit_ = "slot";
    return cost;
  }
  if (text != "real") {
    for (std::string_view const entry : split(text, ',')) {
      auto const equals = entry.find('=');
      if (equals == std::string_view::npos) {
        usage_error("--cost: '{}' is unknown; valid: slot, real, measured, or a list of key=value",
                    entry);
      }
      cost.set(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }
  if (!cost.backward_given_) {
    for (StageCost& stage : cost.stages_)
      stage.backward = stage.backward_input + stage.backward_weight;
  }
  for (auto const& [stage, factor] : cost.stragglers_) cost.stages_[stage].scale(factor);
  double const transfer = cost.bandwidth_ > 0 ? cost.bytes_ / cost.bandwidth_ : 0;
  cost.hop_ = ticks(cost.latency_ + transfer);
  return cost;
}

void Cost::set(std::string_view key, std::string_view value) {
  if (key == "f") return set_stages(key, value, &StageCost::forward);
  if (key == "bi") return set_stages(key, value, &StageCost::backward_input);
  if (key == "bw") return set_stages(key, value, &StageCost::backward_weight);
  if (key == "b") {
    backward_given_ = true;
    return set_stages(key, value, &StageCost::backward);
  }
  if (key == "straggler") return set_straggler(value);
  if (key == "latency") {
    latency_ = number(key, value, true);
  } else if (key == "bandwidth") {
    bandwidth_ = number(key, value, false);
  } else if (key == "bytes") {
    bytes_ = number(key, value, true);
  } else if (key == "average") {
    average_ = ticks(number(key, value, true));
  } else if (key == "unit") {
    unit_ = value;
  } else if (key == "jitter") {
    jitter_ = number(key, value, true);
    if (jitter_ >= 1) usage_error("--cost: jitter={} must be below 1", value);
  } else {
    usage_error(
        "--cost: unknown key '{}'; valid: f, bi, bw, b, latency, bandwidth, bytes, average, "
        "jitter, straggler, unit",
        key);
  }
}

void Cost::set_stages(std::string_view key, std::string_view value, Ticks StageCost::*member) {
  auto const entries = split(value, '/');
  if (entries.size() != 1 && entries.size() != stages_.size()) {
    usage_error("--cost: '{}=' has {} entries; give one, or one for each of the {} stages", key,
                entries.size(), stages_.size());
  }
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    std::string_view const entry = entries[entries.size() == 1 ? 0 : stage];
    stages_[stage].*member = positive_ticks(number(key, entry, false));
  }
}

void Cost::set_straggler(std::string_view value) {
  auto const parts = split(value, ':');
  if (parts.size() != 2) usage_error("--cost: straggler={} must be STAGE:FACTOR", value);
  std::size_t stage = 0;
  auto const [end, error] =
      std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), stage);
  if (error != std::errc{} || end != parts[0].data() + parts[0].size() || stage >= stages_.size()) {
    usage_error("--cost: straggler={}: the stage must be 0 to {}", value, stages_.size() - 1);
  }
  double const factor = number("straggler", parts[1], false);
  stragglers_.emplace_back(stage, factor);
}

void StageCost::scale(double factor) {
  for (Ticks* const cost : {&forward, &backward, &backward_input, &backward_weight}) {
    *cost = scaled(*cost, factor);
  }
}

Ticks Cost::duration(Action const& action) const {
  StageCost const& stage = stages_[static_cast<std::size_t>(action.stage)];
  Ticks cost = stage.backward;
  if (action.kind == Kind::forward) cost = stage.forward;
  if (action.kind == Kind::backward_input) cost = stage.backward_input;
  if (action.kind == Kind::backward_weight) cost = stage.backward_weight;
  if (unit_ != "slot") cost *= action.count;
  if (jitter_ == 0) return cost;
  auto const index =
      static_cast<std::uint32_t>(action.stage) * 8 + static_cast<std::uint32_t>(action.kind);
  Stream stream(seed_, StreamName::jitter, index, static_cast<std::uint64_t>(action.microbatch));
  return scaled(cost, 1 + jitter_ * (2 * stream.uniform() - 1));
}

std::string Cost::measured_text(std::vector<Measured> const& stages, double latency) {
  std::string f;
  std::string bi;
  std::string bw;
  for (Measured const& stage : stages) {
    char const* const separator = f.empty() ? "" : "/";
    f += fmt::format("{}{:.3g}", separator, stage.forward);
    bi += fmt::format("{}{:.3g}", separator, stage.backward_input);
    bw += fmt::format("{}{:.3g}", separator, stage.backward_weight);
  }
  return fmt::format("f={},bi={},bw={},latency={:.3g},unit=second", f, bi, bw, latency);
}

}  // namespace quartic::plan
