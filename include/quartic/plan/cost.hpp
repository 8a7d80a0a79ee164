#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quartic/plan/action.hpp"

namespace quartic::plan {

/// Costs of one stage, in ticks.
struct StageCost {
  Ticks forward = ticks_per_unit;
  Ticks backward = ticks_per_unit;  ///< both halves at once
  Ticks backward_input = ticks_per_unit;
  Ticks backward_weight = ticks_per_unit;

  void scale(double factor);
};

/// How long each action takes on each stage, and each hop between neighbours on two workers.
///
/// Text forms (`--cost`): `slot`: every action costs 1, whatever it covers, hops 0. `real`: f = 1,
/// bi = bw = 1, so a backward costs 2. Otherwise a list of
///   f=, bi=, bw=   cost of forward, input gradient, weight gradient; one number, or one a stage
///                  separated by '/'
///   b=             cost of an unsplit backward, if not bi + bw
///   latency=       of every hop
///   bandwidth=     bytes a unit: a hop takes latency + bytes/bandwidth more
///   bytes=         of a message; a run knows its model's
///   jitter=        each action takes (1 + jitter·u) of its cost, u uniform in [-1, 1), seeded
///   average=       of the replicas of a stage, after a round (local-sgd); default 0
///   straggler=S:X  stage S takes X times as long; may be repeated
///   unit=          the name of the unit (default "unit"; measured costs say "second")
class Cost {
 public:
  /// UsageError names the key and what would be valid. `stages` sizes the per-stage lists, `seed`
  /// names the jitter's stream, `message_bytes` stands where the text has no bytes=.
  static Cost parse(std::string_view text, int stages, std::uint64_t seed,
                    double message_bytes = 0);
  /// Seconds that were measured at one stage.
  struct Measured {
    double forward;
    double backward_input;
    double backward_weight;
  };
  static std::string measured_text(std::vector<Measured> const& stages, double latency);

  Ticks duration(Action const& action) const;
  Ticks hop() const { return hop_; }
  Ticks average() const { return average_; }
  std::string const& text() const { return text_; }
  std::string const& unit() const { return unit_; }

 private:
  void set(std::string_view key, std::string_view value);
  void set_stages(std::string_view key, std::string_view value, Ticks StageCost::*member);
  void set_straggler(std::string_view value);

  std::string text_;
  std::string unit_ = "unit";
  std::vector<StageCost> stages_;
  bool backward_given_ = false;
  Ticks hop_ = 0;
  Ticks average_ = 0;
  double bytes_ = 0;
  double bandwidth_ = 0;
  double latency_ = 0;
  double jitter_ = 0;
  std::vector<std::pair<std::size_t, double>> stragglers_;
  std::uint64_t seed_ = 0;
};

}  // namespace quartic::plan
