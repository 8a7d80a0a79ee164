#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quartic/engine/run.hpp"
#include "quartic/io/format.hpp"
#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/model.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/action.hpp"

namespace quartic::app {

/// Microbatches: plan time has to fit into its ticks.
inline constexpr std::int64_t largest_run = std::int64_t{1} << 32;

enum class Command { run, plan };

/// Every option of `run` and `plan`, in its type. Defaults live here and nowhere else.
struct Config {
  Command command = Command::run;
  std::string method = "pipedream";
  int stages = 4;
  std::int64_t accumulate = 0;  ///< 0: the method's default
  std::map<std::string, std::string> method_options;
  engine::AveragingSettings averaging;  ///< over --pipelines

  std::string objective = "quadratic";
  std::vector<std::int64_t> hidden{128, 128, 128};
  nn::Activation activation = nn::Activation::relu;
  std::string preset = "tiny";
  nn::GptSize gpt{0, 0, 0, 0};  ///< 0: the preset's
  std::string model = "vgg16";
  double width_factor = 1;
  std::int64_t depth = 0;
  std::string cut;  ///< even, counted, measured, or first units; empty: the objective's
  std::int64_t memory_bound = 0;  ///< bytes of a stage; 0: none
  bool recompute = false;
  double l2 = 0;
  std::string precision;  ///< empty: the objective's
  std::string init;       ///< a file of named parameters; empty: the model's own start

  std::string data;  ///< empty: the objective's generator
  std::int64_t rows = 4096;
  std::int64_t features = 0;  ///< 0: the generator's
  std::int64_t classes = 10;
  std::int64_t vocabulary = 0;  ///< 0: the file's, or the generator's
  std::int64_t microbatch_size = 8;
  std::int64_t microbatches = 0;    ///< 0: by epochs
  std::int64_t epochs = 0;          ///< 0: by microbatches; 1 when neither is given
  std::optional<bool> drop_last;    ///< without: the objective's
  io::FileOptions files;            ///< of --data and --validation
  std::string validation;           ///< a path, or a fraction of the data
  std::int64_t evaluate_rows = -1;  ///< of training and held-out data; 0: all; -1: the objective's
  bool shuffle = false;
  nn::Augment augment = nn::Augment::none;

  /// An empty name and a negative beta1: what the method is defined with.
  nn::OptimizerSpec optimizer{.name = "", .beta1 = -1};
  nn::Decay decay = nn::Decay::constant;
  std::int64_t warmup = 0;  ///< updates
  double gradient_noise = 0;
  std::uint64_t seed = 0;

  std::string cost = "slot";
  engine::Order order = engine::Order::plan;
  double evaluate_every = 0;
  std::int64_t evaluate_updates = 0;
  std::int64_t evaluate_steps = 0;

  bool trace_events = false;
  std::int64_t trace_displacement = 0;
  std::int64_t trace_stale_read = 0;
  std::int64_t trace_every = 1;
  bool save_parameters = false;
  std::string device = "host";
  bool tf32 = false;
  bool gpu_aware_mpi = false;
  int threads = 1;

  std::string log_csv;  ///< a file; empty: none
  std::int64_t checkpoint_steps = 0;
  std::string checkpoint_every;  ///< K block updates or "5m"; empty: only when told to stop

  std::string out;
  /// Microbatches of the run in `out` that --resume continues; 0: a new run.
  std::int64_t resumed_microbatches = 0;
  bool overwrite = false;
  double patience = 600;  ///< seconds that a rank waits for another; 0: any
  bool quiet = false;
  bool print_config = false;
  /// What the user gave, on the command line or, where it is not the default, in a file.
  std::map<std::string, std::string> given;
  std::string format = "table";
  std::string check;  ///< a schedule file; empty: a method's plan
};

/// One option: its name, what it takes, what it does to the Config (UsageError says what is valid),
/// and its value as text, as config.ini shows it.
struct OptionSpec {
  std::string name;
  std::string value;  ///< placeholder in the help; empty for a flag
  std::string help;
  std::function<void(Config&, std::string const&)> set;
  std::function<std::string(Config const&)> get;
  bool plans = false;      ///< also an option of `quartic plan`
  bool negatable = false;  ///< a flag that --no-NAME takes back
  bool decides = true;     ///< decides the run's results: shown in config.ini and part of its hash
};

/// All options, each once, the methods' own included.
std::span<OptionSpec const> all_options();
/// Whether the command has this option.
bool belongs(OptionSpec const& option, Command command);

/// What --checkpoint-every asks for.
engine::CheckpointSettings checkpoint_settings(Config const& config);

/// The text of config.ini: every option of its command that decides the run or plan, valid as a
/// --config of that command; a plan's has nothing that a run does not know.
std::string config_text(Config const& config);

/// 16 hexadecimal digits that name a configuration (FNV-1a of config_text).
std::string config_hash(Config const& config);

}  // namespace quartic::app
