#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>

#include "data_line.hpp"
#include "data_sources.hpp"
#include "quartic/app/command_line.hpp"
#include "quartic/app/commands.hpp"
#include "quartic/app/cut.hpp"
#include "quartic/app/device.hpp"
#include "quartic/app/environment.hpp"
#include "quartic/app/memory.hpp"
#include "quartic/app/parameters.hpp"
#include "quartic/app/process.hpp"
#include "quartic/app/resume.hpp"
#include "quartic/app/run_folder.hpp"
#include "quartic/app/run_settings.hpp"
#include "quartic/app/setup.hpp"
#include "quartic/app/start.hpp"
#include "quartic/app/stop_signal.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/blas_start.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/log.hpp"
#include "quartic/core/memory.hpp"
#include "quartic/engine/calibration.hpp"
#include "quartic/engine/gather_rows.hpp"
#include "quartic/engine/run.hpp"
#include "quartic/io/checkpoint.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/io/trace_state.hpp"
#include "quartic/nn/layer.hpp"
#include "run_display.hpp"
#include "summary.hpp"

namespace quartic::app {
namespace {

constexpr int exit_done = 0;
constexpr int exit_diverged = 3;
constexpr int exit_stopped = 4;

/// The bytes of a text's tokens, in order: an attribute in HDF5 has no room for every byte.
std::string hexadecimal(std::string const& bytes) {
  std::string digits;
  for (char const byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

/// Returns the bytes of the files that --save-parameters writes.
std::int64_t model_bytes(std::vector<engine::StageInfo> const& all, std::string const& optimizer) {
  std::int64_t bytes = 0;
  for (engine::StageInfo const& stage : all)
    bytes += stage.pipeline == 0 ? stage.parameter_bytes : 0;
  return bytes * (1 + std::ssize(nn::state_names(optimizer)));
}

/// Runs a step that only rank 0 does; when it fails, every rank fails.
void on_rank_0(comm::Communicator& communicator, std::function<void()> const& step) {
  comm::agree(communicator, [&] {
    if (communicator.rank() == 0) step();
  });
}

/// One run from its resolved configuration to its closing table. Every member function is
/// collective.
template <class T>
class Training {
 public:
  Training(comm::Communicator& communicator, Resolved resolved)
      : communicator_(communicator),
        resolved_(std::move(resolved)),
        config_(resolved_.config),
        hosting_(resolved_.rules, config_.averaging.pipelines, communicator.size(),
                 communicator.rank()) {}

  int operator()() {
    prepare_blocks();
    find_checkpoint();
    read_start();
    open_folder();
    say_what_comes();
    int const exit_code = train();
    exit_code == exit_stopped ? say_stopped() : close_folder(exit_code == exit_done);
    return exit_code;
  }

 private:
  void prepare_blocks() {
    comm::agree(communicator_, [&] {
      MemoryPurpose const purpose("the data and weights of this rank's stages");
      blocks_ = make_blocks<T>(resolved_, hosting_);
    });
    if (config_.cost == "measured") {
      config_.cost = engine::measured_costs<T>(communicator_, hosting_, blocks_,
                                               config_.microbatch_size, config_.seed);
    }
    cost_ = plan::Cost::parse(config_.cost, config_.stages, config_.seed,
                              static_cast<double>(largest_message_bytes()));
    settings_ = run_settings(resolved_);
    rules_of_longer_ = rules_of_longer(resolved_);
    settings_.checkpoints.longer = rules_of_longer_ ? &*rules_of_longer_ : nullptr;
    settings_.peaks = plan::peaks(resolved_.rules, *cost_);
    settings_.planned = planned_memory<T>(resolved_, settings_.peaks, blocks_, hosting_);
    require_memory(communicator_, settings_.planned);
    for (auto const& block : blocks_) parameters_.push_back(block->parameters());
    if (config_.out.empty()) config_.out = "runs/" + config_hash(config_);
  }

  /// That of --resume, if the run has made one: the newest that the plan, perhaps of a longer run,
  /// comes to. It is read to the last byte before anything else, and nobody else can make another
  /// meanwhile.
  void find_checkpoint() {
    if (config_.resumed_microbatches == 0) return;
    on_rank_0(communicator_, [&] { folder_.emplace(config_.out); });
    std::vector<io::CheckpointManifest> all;
    comm::agree(communicator_, [&] { all = checkpoints_to_resume(config_, checksums()); });
    std::string manifests;
    for (io::CheckpointManifest const& each : all) manifests += io::manifest_text(each);
    comm::require_equal(communicator_, "the checkpoint", manifests);
    if (all.empty()) return;
    comm::agree(communicator_, [&] {
      if (!std::any_of(all.begin(), all.end(), [&](auto const& each) { return reaches(each); }))
        refuse_plan();
      io::CheckpointFolder::verify(config_.out, *earlier_, hosting_.seats());
    });
  }

  bool reaches(io::CheckpointManifest const& manifest) {
    resumed_ = std::make_unique<engine::PlanWalk>(resolved_.rules, *cost_, settings_.snapshots,
                                                  settings_.stage.stale_read_every,
                                                  settings_.checkpoints.longer);
    earlier_ = manifest;
    return resumed_->reach(manifest.checkpoint);
  }

  [[noreturn]] void refuse_plan() const {
    if (config_.microbatches == config_.resumed_microbatches) {
      usage_error(
          "--resume {}: its plan has changed since its checkpoint; restore what the plan depends "
          "on, such as a file of --delays",
          config_.out);
    }
    usage_error(
        "--resume {}: its checkpoint lies near the end of a run of {} microbatches, where the plan "
        "of a longer run differs; valid: --microbatches {}",
        config_.out, config_.resumed_microbatches, config_.resumed_microbatches);
  }

  /// By --init; a checkpoint has its own.
  void read_start() {
    if (config_.init.empty() || earlier_) return;
    start_ = app::read_start<T>(communicator_, config_.init, config_.optimizer.name, parameters_);
    if (start_.lacks_state) warnings_.push_back(start_.line);
  }

  /// Returns the checksums of the files that the run has started from, by the attributes' names.
  std::map<std::string, std::string> start_checksums() const {
    std::map<std::string, std::string> all;
    if (config_.init.empty()) return all;
    all["init_checksum"] = start_.checksum;
    if (!start_.optimizers.empty()) all["init_optimizer_checksum"] = start_.optimizer_checksum;
    if (!earlier_) return all;
    all.clear();
    for (char const* const name : {"init_checksum", "init_optimizer_checksum"}) {
      auto const found = earlier_->about.find(name);
      if (found != earlier_->about.end()) all.insert(*found);
    }
    return all;
  }

  /// The checksums of the files that the run reads.
  std::map<std::string, std::string> checksums() const {
    std::map<std::string, std::string> all{{"data_checksum", resolved_.source.shape().checksum}};
    if (resolved_.held_out) all["validation_checksum"] = resolved_.held_out->shape().checksum;
    return all;
  }

  std::vector<engine::StageInfo> stage_infos() const {
    std::vector<engine::StageInfo> infos;
    for (std::size_t place = 0; place < blocks_.size(); ++place) {
      engine::Seat const seat = hosting_.seats()[place];
      std::int64_t const parameters = blocks_[place]->parameter_count();
      infos.push_back({seat.pipeline, seat.stage, communicator_.rank(), parameters,
                       parameters * static_cast<std::int64_t>(sizeof(T))});
    }
    return infos;
  }

  io::RunInfo run_info() {
    bool const returns = blocks_.front()->sweep_plan().backward;
    int const last_rank = hosting_.rank_of({0, config_.stages - 1});
    io::RunInfo info{config_.method,
                     config_.stages,
                     communicator_.size(),
                     config_.averaging.pipelines,
                     plan::Cost::parse(config_.cost, config_.stages, config_.seed).unit(),
                     config_.trace_events,
                     last_rank,
                     returns ? 0 : last_rank,
                     {}};
    info.rank_rows = describe_ranks(communicator_);
    info.attributes = environment(communicator_, info.rank_rows);
    warnings_.insert(warnings_.end(), {difference_of(info.rank_rows), compute::blas_warning()});
    for (auto const& [name, checksum] : checksums()) info.attributes[name] = checksum;
    info.attributes.merge(start_checksums());
    about_ = about_checkpoint(config_, info.attributes);
    if (earlier_) {
      std::string const before = earlier_->about["resumed"];
      about_["resumed"] =
          fmt::format("{}{}{}", before, before.empty() ? "" : " ", earlier_->checkpoint.position);
      info.attributes["resumed"] = about_["resumed"];
      warnings_.push_back(other_machine(*earlier_, info.attributes));
    }
    if (config_.resumed_microbatches > 0 && !earlier_)
      warnings_.push_back(
          fmt::format("--resume {}: has no checkpoint; the run starts again from "
                      "its beginning",
                      config_.out));
    info.stale_reads = config_.trace_stale_read > 0;
    describe(config_, resolved_.rules, info);
    info.attributes.merge(data_attributes(resolved_));
    if (auto const& bytes = resolved_.source.vocabulary(); !bytes.empty()) {
      info.attributes["vocabulary"] = hexadecimal(bytes);
    }
    if (resolved_.model.held_out_rows > 0) info.validation_rank = last_rank;
    return info;
  }

  /// Until everything is open nothing is kept: a mistake leaves no half-written folder.
  void open_folder() {
    io::RunInfo info = run_info();
    auto const hosted = stage_infos();
    auto const all = engine::gather_rows(communicator_, hosted);
    std::int64_t const bytes =
        expected_trace_bytes(config_) +
        (config_.save_parameters ? model_bytes(all, config_.optimizer.name) : 0);
    on_rank_0(communicator_, [&] {
      if (!config_.log_csv.empty()) require_csv(config_.log_csv);
      if (!folder_) folder_.emplace(config_.out);
      if (earlier_) {
        io::gather_what_is_left(config_.out);
        io::CheckpointFolder::remove_parts(config_.out);
        io::CheckpointFolder::remove_beyond(config_.out, earlier_->checkpoint.position);
      } else {
        folder_->begin(config_.overwrite, config_.resumed_microbatches > 0, bytes);
        folder_->write_config(config_text(config_));
      }
    });
    std::string gap;
    comm::agree(communicator_, [&] {
      shard_.emplace(config_.out, communicator_.rank(), hosted, info);
      if (earlier_) gap = io::copy_earlier_rows(config_.out, hosted, recorded_earlier(), *shard_);
      if (communicator_.rank() == 0) record_ranks(info.rank_rows);
      log_.emplace(std::filesystem::path(config_.out) / "log", communicator_.rank());
    });
    mark_gap(gap, info);
    on_rank_0(communicator_, [&] {
      io::write_master(config_.out, info, all);
      // Not before: a finished run would else be said to be the longer one.
      if (earlier_) folder_->write_config(config_text(config_));
    });
    if (folder_) folder_->keep();
    if (earlier_)
      log_->info(
          fmt::format("continues after {} block updates", earlier_->checkpoint.block_updates));
    warn();
    std::vector<std::string> seats;
    for (auto const [pipeline, stage] : hosting_.seats()) {
      seats.push_back(config_.averaging.pipelines == 1 ? fmt::format("{}", stage)
                                                       : fmt::format("{}:{}", pipeline, stage));
    }
    log_->info(fmt::format("hosts {} {} of {} on {}",
                           config_.averaging.pipelines == 1 ? "stages" : "pipeline:stage",
                           fmt::join(seats, " "), config_.stages, comm::Communicator::host()));
    log_->info(fmt::format("computes with {}, kernels for {}, {}", compute::blas_library(),
                           compute::blas_core(), compute::blas_choice()));
  }

  /// `entries`: for what this rank's stages have lost of the earlier trace.
  void mark_gap(std::string const& entries, io::RunInfo& info) {
    std::string const all = fmt::format("{}", fmt::join(communicator_.gather(entries), ""));
    if (all.empty()) return;
    std::string const gap = all.substr(0, all.rfind(io::gap_separator));
    info.attributes[io::gap_attribute] = gap;
    warnings_.push_back(
        fmt::format("--resume {}: the earlier trace is damaged: {}; the run continues from its "
                    "checkpoint, and the attribute gap of the trace lists the rows{}",
                    config_.out, gap,
                    std::filesystem::exists(std::filesystem::path(config_.out) / io::damaged_shards)
                        ? fmt::format("; {} contains the rest of the shards", io::damaged_shards)
                        : ""));
  }

  /// Rank 0.
  void record_ranks(std::vector<engine::RankRow> ranks) {
    std::int32_t const start = earlier_ ? io::copy_earlier_ranks(config_.out, *shard_) : 0;
    for (engine::RankRow& row : ranks) row.start = start;
    shard_->ranks(ranks);
  }

  std::vector<engine::RecordedTables> recorded_earlier() const {
    std::vector<engine::RecordedTables> recorded;
    for (engine::Seat const seat : hosting_.seats()) {
      recorded.push_back(
          io::CheckpointFolder::recorded(config_.out, earlier_->checkpoint.position, seat));
    }
    return recorded;
  }

  void warn() {
    if (communicator_.rank() != 0) return;
    for (std::string const& warning : warnings_) {
      if (warning.empty()) continue;
      log_->info(warning);
      fmt::print(stderr, "quartic: {}\n", warning);
    }
  }

  /// The largest message of a pass at any stage. It is equal on every rank, or their plans would
  /// differ.
  std::int64_t largest_message_bytes() {
    std::int64_t elements = 0;
    for (auto const& block : blocks_) {
      nn::Sizes const sizes = block->sizes(config_.microbatch_size);
      elements = std::max({elements, sizes.input, sizes.output});
    }
    return communicator_.largest(elements * static_cast<std::int64_t>(sizeof(T)));
  }

  /// What the run is about to do.
  void say_what_comes() {
    if (communicator_.rank() != 0) return;
    say(data_line(resolved_));
    if (!start_.line.empty() && !start_.lacks_state) say(start_.line);
    if (std::string const table = cut_table(resolved_); !table.empty()) say(table);
    say(evaluation_line(resolved_));
  }

  /// Rank 0: in the log, and at once on stdout, wherever that leads.
  void say(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) log_->info(line);
    if (config_.quiet) return;
    fmt::print("{}\n", text);
    std::fflush(stdout);
  }

  /// Rank 0: how the run ended, and where its time went.
  void say_result() {
    std::int64_t const start_ns = earlier_ ? earlier_->checkpoint.wall_ns : 0;
    std::int64_t const earlier =
        earlier_ ? mean_steps(resolved_, earlier_->checkpoint.block_updates) * config_.accumulate
                 : 0;
    say(result_line(resolved_, config_.out,
                    {.microbatches = config_.microbatches - earlier,
                     .training_ns = report_->stages.front().wall_ns - start_ns,
                     .evaluation_ns = report_->evaluation_ns}));
    say(report_->text());
    if (!config_.quiet) fmt::print("{}\n", config_.out);
  }

  std::vector<io::NamedPart> named_parts(engine::Seat seat) const {
    std::vector<io::NamedPart> parts;
    for (nn::Parameter const& parameter :
         parameters_.at(static_cast<std::size_t>(hosting_.local_stage(seat)))) {
      parts.push_back({parameter.name, parameter.shape, parameter.offset});
    }
    return parts;
  }

  DisplaySettings display_settings() const {
    return {config_.microbatches,
            is_network(config_),
            unit_of(resolved_),
            units_a_microbatch(resolved_),
            config_.microbatch_size,
            !communicator_.has_launcher() && isatty(STDOUT_FILENO) == 1,
            config_.quiet};
  }

  /// The exit code.
  int train() {
    io::CheckpointFolder checkpoints(
        config_.out, [this](engine::Seat seat) { return named_parts(seat); }, about_);
    MemoryPurpose const purpose("training");
    std::optional<RunDisplay> display;
    if (communicator_.rank() == 0) settings_.watcher = &display.emplace(display_settings(), *log_);
    engine::Run<T> run(communicator_, {resolved_.rules, *cost_}, settings_, std::move(blocks_),
                       {*shard_, &checkpoints}, std::move(resumed_));
    give_start(run);
    if (config_.order == engine::Order::plan) heed_stop_signals(communicator_.has_launcher());
    std::string divergence;
    engine::Ending ending = engine::Ending::done;
    try {
      ending = run.execute();
    } catch (Divergence const& error) {
      log_->error(error.what());
      if (!run.diverged_elsewhere()) divergence = error.what();
    }
    display.reset();
    say_traffic();
    shard_->memory(run.memory());
    shard_->close();
    for (std::string const& text : communicator_.gather(divergence)) {
      if (!text.empty()) return say_diverged(text);
    }
    if (ending == engine::Ending::stopped) return exit_stopped;
    report_ = run.report();
    if (config_.save_parameters) save_parameters(run);
    return exit_done;
  }

  void say_traffic() {
    if (compute::computes_on_host()) return;
    compute::DeviceTraffic const traffic = compute::device_traffic();
    log_->info(
        fmt::format("on {}: {} allocations, {} copies of {} bytes in all to and from the host",
                    compute::computes_on(), traffic.allocations, traffic.copies, traffic.bytes));
  }

  void give_start(engine::Run<T>& run) {
    for (std::size_t place = 0; place < start_.weights.size(); ++place) {
      run.start_from(static_cast<int>(place), start_.weights[place]);
    }
    for (std::size_t place = 0; place < start_.optimizers.size(); ++place) {
      run.continue_from(static_cast<int>(place), start_.optimizers[place]);
    }
    start_.weights.clear();
    start_.optimizers.clear();
  }

  void save_parameters(engine::Run<T>& run) {
    TrainedModel<T> model;
    std::vector<std::vector<T>> staging(parameters_.size());
    bool const has_state = !nn::state_names(config_.optimizer.name).empty();
    for (std::size_t place = 0; place < parameters_.size(); ++place) {
      if (hosting_.seats()[place].pipeline > 0) break;  // those of the first come first
      auto const at = static_cast<int>(place);
      model.weights.push_back(compute::read_by_host(run.model(at), staging[place]));
      if (has_state) model.optimizers.push_back(run.optimizer(at));
    }
    write_parameters(
        communicator_, config_.out,
        {config_.method, config_.microbatches, config_hash(config_), config_.optimizer.name},
        parameters_, model);
  }

  int say_diverged(std::string const& text) {
    if (communicator_.rank() == 0) {
      fmt::print(stderr,
                 "quartic: diverged: {}; the trace up to that point, and the last checkpoint if "
                 "there is one, are in {}\n",
                 text, config_.out);
    }
    return exit_diverged;
  }

  void say_stopped() {
    log_->info("stopped by a signal, with a checkpoint");
    if (communicator_.rank() == 0) {
      fmt::print(stderr,
                 "quartic: stopped by a signal, with a checkpoint; `quartic run --resume {}` "
                 "continues it\n",
                 config_.out);
    }
    folder_.reset();
  }

  void close_folder(bool complete) {
    communicator_.barrier();  // no rank writes a checkpoint any more
    on_rank_0(communicator_, [&] {
      io::CheckpointFolder::remove_parts(config_.out);
      io::gather(config_.out, complete);
    });
    on_rank_0(communicator_, [&] {
      if (!config_.log_csv.empty()) write_csv(resolved_, config_.out, config_.log_csv);
      if (complete) say_result();
    });
    log_->info(complete ? "done" : "diverged");
    folder_.reset();
  }

  comm::Communicator& communicator_;
  Resolved resolved_;
  Config& config_;
  engine::Hosting hosting_;
  std::vector<std::unique_ptr<nn::Block<T>>> blocks_;
  HostedParameters parameters_;
  std::optional<plan::Cost> cost_;
  std::optional<plan::Rules> rules_of_longer_;
  engine::RunSettings settings_;
  Start<T> start_;                                 // by --init
  std::optional<io::CheckpointManifest> earlier_;  // what --resume goes on from
  std::unique_ptr<engine::PlanWalk> resumed_;      // which has reached it
  std::map<std::string, std::string> about_;       // for checkpoints' manifests
  std::vector<std::string> warnings_;  // of results that may differ elsewhere, of slow kernels
  std::optional<RunFolder> folder_;    // rank 0
  std::optional<io::TraceShard> shard_;
  std::optional<Log> log_;
  std::optional<engine::RunReport> report_;
};

/// Whether the run that --resume names has nothing left to do, so that it may be asked for again.
bool is_done(comm::Communicator& communicator, Config const& config) {
  if (config.resumed_microbatches != config.microbatches) return false;
  bool done = false;
  on_rank_0(communicator, [&] {
    done = io::is_complete(config.out);
    std::filesystem::path const folder = config.out;
    if (!done || !std::filesystem::exists(folder / "ranks")) return;
    FileLock lock(folder / "lock");
    io::gather(folder, true);  // of which the removal of the shards was left
    lock.settle();
  });
  done = communicator.largest(done ? 1 : 0) == 1;
  if (done && communicator.rank() == 0 && !config.quiet) fmt::print("{} is complete\n", config.out);
  return done;
}

}  // namespace

int run_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  heed_warnings();  // at once, though it is the run that looks
  std::optional<Resolved> resolved;
  comm::agree(communicator, [&] { refuse_lone_ranks(communicator); });
  comm::agree(communicator, [&] {
    MemoryPurpose const purpose("the data");
    resolved = resolve(parse(Command::run, arguments), communicator.size());
  });
  Config const& config = resolved->config;
  if (config.order == engine::Order::arrival) obey_stop_signals();  // has no checkpoints
  comm::require_equal(communicator, "the configuration",
                      config_text(config) + "out = " + config.out);
  // A folder that is not absolute is another one for a rank that works elsewhere.
  comm::require_equal(communicator, "the run folder (--out, relative to the working directory)",
                      (std::filesystem::current_path() / config.out).lexically_normal().string());
  comm::agree(communicator, compute::require_blas);
  compute_on_device(communicator, config);
  resolve_cut(communicator, *resolved);
  comm::require_equal(communicator, config.data, resolved->source.shape().checksum);
  if (resolved->held_out) {
    comm::require_equal(communicator, config.validation, resolved->held_out->shape().checksum);
  }
  if (config.print_config) {
    if (communicator.rank() == 0) fmt::print("{}", config_text(config));
    return exit_done;
  }
  if (is_done(communicator, config)) return exit_done;
  compute::set_blas_threads(config.threads);
  if (config.precision == "float") return Training<float>(communicator, std::move(*resolved))();
  return Training<double>(communicator, std::move(*resolved))();
}

}  // namespace quartic::app
