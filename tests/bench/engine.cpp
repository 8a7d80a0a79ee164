// What the engine costs besides arithmetic: schedule, versions, records and messages of 1 KiB, for
// each microbatch and stage (a forward, a backward and an update). Alone: all stages in this
// process. Under mpirun -n 2: one stage on each of two ranks.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "quartic/compute/blas_start.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/clock.hpp"
#include "quartic/engine/run.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/method/registry.hpp"
#include "support/no_sink.hpp"
#include "support/null_block.hpp"

namespace quartic::bench {
namespace {

/// What becomes of the rows: no row is made, rows are made and dropped, rows go to a trace on disk.
enum class Rows { none, dropped, on_disk };

struct Scene {
  int stages;
  std::int64_t microbatches;
  std::int64_t pass_ns;
  Rows rows;
};

/// A trace in a folder that goes away with it.
class Trace {
 public:
  Trace(comm::Communicator const& communicator, int first_stage, int hosted) {
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("quartic_bench_{}_{}", communicator.rank(), getpid());
    std::vector<engine::StageInfo> stages;
    for (int i = 0; i < hosted; ++i) stages.push_back({0, first_stage + i, 0, 1, 8});
    io::RunInfo info;
    info.stages = communicator.size() == 1 ? hosted : communicator.size();  // one a rank
    info.loss_rank = info.objective_rank = communicator.rank();
    shard_ = std::make_unique<io::TraceShard>(folder_, communicator.rank(), stages, info);
  }
  ~Trace() {
    shard_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Trace(Trace const&) = delete;
  Trace& operator=(Trace const&) = delete;
  engine::RecordSink& sink() { return *shard_; }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<io::TraceShard> shard_;
};

engine::RunSettings settings_of(Scene const& scene) {
  engine::RunSettings settings;
  settings.stage = {.stages = scene.stages, .microbatches = scene.microbatches};
  settings.trace_every = scene.rows == Rows::none ? scene.microbatches : 1;
  return settings;
}

/// Processor time where one process does all; wall time where ranks wait for each other.
std::int64_t now_ns(comm::Communicator const& communicator) {
  return communicator.size() == 1 ? test::processor_ns() : monotonic_ns();
}

/// Nanoseconds of one run of PipeDream, set-up aside.
std::int64_t run_ns(comm::Communicator& communicator, Scene const& scene) {
  plan::Rules const rules = method::make_rules(method::find_method("pipedream"),
                                               {scene.stages, scene.microbatches, 1}, {});
  plan::Cost const cost = plan::Cost::parse("slot", scene.stages, 0);
  Part const part = comm::Placement(scene.stages, communicator.size()).hosted(communicator.rank());
  auto const first_stage = static_cast<int>(part.first);
  auto const hosted = static_cast<int>(part.size);
  std::vector<std::unique_ptr<nn::Block<double>>> blocks;
  for (int i = 0; i < hosted; ++i) {
    blocks.push_back(
        std::make_unique<test::NullBlock>(first_stage + i, scene.stages, scene.pass_ns));
  }
  test::NoSink nowhere;
  std::unique_ptr<Trace> trace;
  if (scene.rows == Rows::on_disk) {
    trace = std::make_unique<Trace>(communicator, first_stage, hosted);
  }
  engine::Run<double> run(communicator, {rules, cost}, settings_of(scene), std::move(blocks),
                          {trace ? trace->sink() : nowhere});
  std::int64_t const begin_ns = now_ns(communicator);
  run.execute();
  return now_ns(communicator) - begin_ns;
}

/// `overhead_ns`: of one microbatch at one stage, what the blocks spend themselves taken off. In
/// one process the stages take turns; on ranks of their own they work at the same time.
void overhead(benchmark::State& state, comm::Communicator& communicator, Scene const& scene) {
  std::int64_t total_ns = 0;
  for (auto _ : state) {
    std::int64_t const ns = run_ns(communicator, scene);
    total_ns += ns;
    state.SetIterationTime(1e-9 * static_cast<double>(ns));
  }
  double const pairs = static_cast<double>(state.iterations() * scene.microbatches) *
                       (scene.stages / communicator.size());
  double const spent = 2 * static_cast<double>(scene.pass_ns) * pairs;
  state.counters["overhead_ns"] = (static_cast<double>(total_ns) - spent) / pairs;
}

void register_scene(comm::Communicator& communicator, std::string const& name, Scene const& scene) {
  benchmark::RegisterBenchmark(
      fmt::format("engine/{}/ranks:{}/stages:{}", name, communicator.size(), scene.stages).c_str(),
      [&communicator, scene](benchmark::State& state) { overhead(state, communicator, scene); })
      ->Iterations(1)  // every rank must do as many
      ->Repetitions(9)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void register_all(comm::Communicator& communicator) {
  constexpr std::int64_t half_a_millisecond = 500'000;
  for (int const stages : communicator.size() == 1 ? std::vector{2, 16} : std::vector{2}) {
    std::int64_t const microbatches = 200'000 / stages;
    register_scene(communicator, "no_rows", {stages, microbatches, 0, Rows::none});
    register_scene(communicator, "rows_dropped", {stages, microbatches, 0, Rows::dropped});
    register_scene(communicator, "rows_on_disk", {stages, microbatches, 0, Rows::on_disk});
  }
  if (communicator.size() > 1) return;
  register_scene(communicator, "step_of_1ms/no_rows", {2, 600, half_a_millisecond, Rows::none});
  register_scene(communicator, "step_of_1ms/rows_on_disk",
                 {2, 600, half_a_millisecond, Rows::on_disk});
}

class Silent final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(Context const&) override { return true; }
  void ReportRuns(std::vector<Run> const&) override {}
};

}  // namespace
}  // namespace quartic::bench

int main(int count, char** words) {
  quartic::compute::start_blas(words);
  quartic::comm::Communicator communicator;
  quartic::bench::register_all(communicator);
  benchmark::Initialize(&count, words);
  quartic::bench::Silent silent;
  if (communicator.rank() == 0) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    benchmark::RunSpecifiedBenchmarks(&silent);
  }
}
