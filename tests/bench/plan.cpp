// The planner alone: actions a second in the steady state of every method.
#include <benchmark/benchmark.h>

#include <string>

#include "quartic/core/check.hpp"
#include "quartic/method/registry.hpp"
#include "quartic/plan/planner.hpp"

namespace quartic {
namespace {

constexpr std::int64_t endless = std::int64_t{1} << 40;
constexpr int actions_an_iteration = 1000;

plan::Rules rules_of(method::Method const& method, int stages) {
  std::int64_t const accumulate = method::default_accumulate(method, stages);
  return method::make_rules(method, {stages, endless / accumulate * accumulate, accumulate}, {});
}

void fill_pipeline(plan::Planner& planner, int stages) {
  plan::Ticks const filled = 2 * stages * plan::ticks_per_unit;
  while (planner.next()->begin < filled) continue;
}

void actions(benchmark::State& state, method::Method const& method, std::string const& cost_text) {
  auto const stages = static_cast<int>(state.range(0));
  plan::Rules const rules = rules_of(method, stages);
  plan::Cost const cost = plan::Cost::parse(cost_text, stages, 0);
  plan::Planner planner(rules, cost);
  fill_pipeline(planner, stages);
  for (auto _ : state) {
    for (int i = 0; i < actions_an_iteration; ++i) benchmark::DoNotOptimize(planner.next());
  }
  state.SetItemsProcessed(state.iterations() * actions_an_iteration);
}

void register_all() {
  constexpr int largest = 4096;  // filling its pipeline takes seconds, so at one cost only
  for (method::Method const& method : method::all_methods()) {
    for (std::string const cost : {"slot", "real", "jitter=0.1"}) {
      auto* const bench = benchmark::RegisterBenchmark(
          fmt::format("plan/{}/{}", method.name, cost).c_str(),
          [&method, cost](benchmark::State& state) { actions(state, method, cost); });
      bench->ArgName("stages")->Arg(4)->Arg(16)->Arg(64)->Arg(512);
      bool const replicated = method.name == "local-sgd";  // S² versions to count
      if (cost == "slot" && !replicated) bench->Arg(largest);
    }
  }
}

}  // namespace
}  // namespace quartic

int main(int count, char** words) {
  quartic::register_all();
  benchmark::Initialize(&count, words);
  benchmark::RunSpecifiedBenchmarks();
}
