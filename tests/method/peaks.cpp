// What stages hold at once, against closed forms.
#include "quartic/plan/peaks.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "quartic/method/registry.hpp"

namespace quartic::test {
namespace {

constexpr int stages = 4;

std::vector<plan::StagePeak> peaks_of(std::string_view method, std::int64_t accumulate,
                                      std::map<std::string, std::string> const& options = {}) {
  plan::Rules const rules =
      method::make_rules(method::find_method(method), {stages, 64, accumulate}, options);
  return plan::peaks(rules, plan::Cost::parse("slot", stages, 0));
}

TEST_CASE("pipedream holds S-s versions and microbatches at stage s, and one backward") {
  auto const peaks = peaks_of("pipedream", 1, {{"admission", "fixed"}});
  for (int s = 0; s < stages; ++s) {
    auto const& peak = peaks[static_cast<std::size_t>(s)];
    CHECK(peak.weight_copies == stages - s);
    CHECK(peak.activations == stages - s);
    CHECK(peak.flows == 1);
  }
}

TEST_CASE("gpipe holds all M microbatches of an update") {
  for (plan::StagePeak const& peak : peaks_of("gpipe", 8)) {
    CHECK(peak.weight_copies == 1);
    CHECK(peak.activations == 8);
    CHECK(peak.flows == 1);
  }
}

TEST_CASE("what the weight halves leave for later is held for as many microbatches") {
  auto const peaks = peaks_of("zb-1p", 8);
  CHECK(peaks.front().flows == 1);
  CHECK(peaks.back().flows > 1);
}

TEST_CASE("a long plan is taken by its beginning, which has the steady state") {
  plan::Rules const rules =
      method::make_rules(method::find_method("pipedream"), {stages, 1'000'000'000, 1}, {});
  auto const peaks = plan::peaks(rules, plan::Cost::parse("slot", stages, 0));
  CHECK(peaks.front().activations == stages);
}

}  // namespace
}  // namespace quartic::test
