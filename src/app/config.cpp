#include "quartic/app/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "quartic/method/registry.hpp"
#include "quartic/nn/gpt.hpp"
#include "quartic/nn/image_model.hpp"
#include "values.hpp"

namespace quartic::app {
namespace {

Choices<nn::Activation> const activations{
    {"relu", nn::Activation::relu}, {"tanh", nn::Activation::tanh}, {"gelu", nn::Activation::gelu}};
Choices<nn::Decay> const decays{{"constant", nn::Decay::constant},
                                {"linear", nn::Decay::linear},
                                {"cosine", nn::Decay::cosine}};
Choices<nn::Augment> const augments{{"none", nn::Augment::none},
                                    {"flip", nn::Augment::flip},
                                    {"crop", nn::Augment::crop},
                                    {"flip-crop", nn::Augment::flip_crop}};
Choices<engine::Order> const orders{{"plan", engine::Order::plan},
                                    {"arrival", engine::Order::arrival}};

Choices<std::string> same(std::vector<std::string> const& names) {
  Choices<std::string> choices;
  for (std::string const& name : names) choices.emplace_back(name, name);
  return choices;
}

// Makers of OptionSpecs, one for each kind of value.

OptionSpec text_option(std::string const& name, std::string const& value, std::string const& help,
                       std::string Config::*member) {
  return {name, value, help, [=](Config& c, std::string const& t) { c.*member = t; },
          [=](Config const& c) { return c.*member; }};
}

template <class Value>
OptionSpec choice_option(std::string const& name, std::string const& help,
                         Choices<Value> const& choices, Value Config::*member) {
  std::vector<std::string> names;
  for (auto const& [choice_text, value] : choices) names.push_back(choice_text);
  return {name, fmt::format("{}", fmt::join(names, "|")), help,
          [=](Config& c, std::string const& t) { c.*member = choice(name, t, choices); },
          [=](Config const& c) { return choice_name(c.*member, choices); }};
}

template <class Integer>
OptionSpec integer_option(std::string const& name, std::string const& value,
                          std::string const& help, Integer Config::*member, std::int64_t least,
                          std::int64_t most = no_limit) {
  return {name, value, help,
          [=](Config& c, std::string const& t) {
            c.*member = static_cast<Integer>(integer(name, t, least, most));
          },
          [=](Config const& c) { return fmt::format("{}", c.*member); }};
}

template <class Owner>
OptionSpec number_option(std::string const& name, std::string const& value, std::string const& help,
                         Owner owner, double least, bool above = false) {
  return {name, value, help,
          [=](Config& c, std::string const& t) { owner(c) = number(name, t, least, above); },
          [=](Config const& c) { return text(owner(c)); }};
}

/// A number from 0 to below 1.
template <class Owner>
OptionSpec fraction_option(std::string const& name, std::string const& value,
                           std::string const& help, Owner owner) {
  OptionSpec option = number_option(name, value, help, owner, 0);
  option.set = [=, set = option.set](Config& c, std::string const& t) {
    set(c, t);
    if (owner(c) >= 1) usage_error("--{} {}: must be below 1", name, t);
  };
  return option;
}

OptionSpec flag_option(std::string const& name, std::string const& help, bool Config::*member) {
  return {name, "", help, [=](Config& c, std::string const& t) { c.*member = flag(name, t); },
          [=](Config const& c) { return std::string(c.*member ? "true" : "false"); }};
}

OptionSpec method_option(method::Option const& option) {
  return {option.name,
          "VALUE",
          option.help,
          [=](Config& c, std::string const& t) { c.method_options[option.name] = t; },
          [=](Config const& c) {
            auto const found = c.method_options.find(option.name);
            return found == c.method_options.end() ? std::string() : found->second;
          },
          true};
}

OptionSpec planned(OptionSpec option) {
  option.plans = true;
  return option;
}

OptionSpec aside(OptionSpec option) {
  option.decides = false;
  return option;
}

constexpr std::int64_t largest_vocabulary = 1 << 24;  // tokens travel as floats
constexpr int most_stages = 1 << 20;
constexpr int most_pipelines = 1 << 12;

void add_pipelines_options(std::vector<OptionSpec>& all) {
  all.push_back({"pipelines", "P", "copies of the whole pipeline, on P times the workers",
                 [](Config& c, std::string const& t) {
                   c.averaging.pipelines =
                       static_cast<int>(integer("pipelines", t, 1, most_pipelines));
                 },
                 [](Config const& c) { return fmt::format("{}", c.averaging.pipelines); }});
  all.push_back({"synchronize-every", "H",
                 "updates of a stage between two averages over the pipelines",
                 [](Config& c, std::string const& t) {
                   c.averaging.every = integer("synchronize-every", t, 1, largest_run);
                 },
                 [](Config const& c) { return fmt::format("{}", c.averaging.every); }});
  all.push_back(number_option(
      "outer-rate", "R",
      "rate of the outer Nesterov step on the averages (1 with --outer-momentum 0: no outer step)",
      [](auto& c) -> auto& { return c.averaging.outer.rate; }, 0, true));
  all.push_back(fraction_option(
      "outer-momentum", "MU", "momentum of the outer Nesterov step",
      [](auto& c) -> auto& { return c.averaging.outer.momentum; }));
}

void add_pipeline_options(std::vector<OptionSpec>& all) {
  all.push_back(planned(
      text_option("method", "NAME", "training method, see `quartic methods`", &Config::method)));
  all.push_back(
      planned(integer_option("stages", "S", "pipeline stages", &Config::stages, 1, most_stages)));
  all.push_back(planned(
      integer_option("accumulate", "M",
                     "microbatches in one minibatch, so in one update (0: the method's default)",
                     &Config::accumulate, 0, largest_run)));
  all.push_back(planned(integer_option("microbatches", "N",
                                       "number of microbatches to train on (0: given by --epochs)",
                                       &Config::microbatches, 0, largest_run)));
  all.push_back(planned(
      text_option("cost", "COST",
                  "slot, real, measured, or f=1,bi=1,bw=1,latency=0.1,bandwidth=..,jitter=0.1,"
                  "straggler=3:1.5",
                  &Config::cost)));
  all.push_back(planned({"seed", "K", "seed of all random numbers",
                         [](Config& c, std::string const& t) { c.seed = natural("seed", t); },
                         [](Config const& c) { return fmt::format("{}", c.seed); }}));
}

/// The methods that have an option, and those of each default.
struct OptionUse {
  std::vector<std::string> methods;
  std::map<std::string, std::vector<std::string>> with_default;

  /// " [fixed]"; "; default: pipeline for pipedream, dc-asgd, else fixed".
  std::string defaults() const {
    auto const most = std::max_element(
        with_default.begin(), with_default.end(),
        [](auto const& a, auto const& b) { return a.second.size() < b.second.size(); });
    if (most->first.empty()) return {};
    if (with_default.size() == 1) return fmt::format(" [{}]", most->first);
    std::string text = "; default: ";
    for (auto const& [value, names] : with_default) {
      if (value != most->first) text += fmt::format("{} for {}, ", value, fmt::join(names, ", "));
    }
    return text + "else " + most->first;
  }
};

void add_method_options(std::vector<OptionSpec>& all) {
  std::size_t const first = all.size();
  std::map<std::string, OptionUse> uses;
  for (method::Method const& method : method::all_methods()) {
    for (method::Option const& option : method.options) {
      OptionUse& use = uses[option.name];
      if (use.methods.empty()) all.push_back(method_option(option));
      use.methods.push_back(method.name);
      use.with_default[option.default_value].push_back(method.name);
    }
  }
  for (std::size_t i = first; i < all.size(); ++i) {
    OptionUse const& use = uses.at(all[i].name);
    all[i].help =
        fmt::format("{}: {}{}", fmt::join(use.methods, ", "), all[i].help, use.defaults());
  }
}

/// 0, which means the preset's, cannot be given.
void add_gpt_size(std::vector<OptionSpec>& all, std::string const& name, std::string const& help,
                  std::int64_t nn::GptSize::*member) {
  constexpr std::int64_t most = 1 << 20;
  all.push_back(
      {name, "n", help + "; default: the preset's",
       [=](Config& c, std::string const& t) { c.gpt.*member = integer(name, t, 1, most); },
       [=](Config const& c) {
         return c.gpt.*member == 0 ? std::string() : fmt::format("{}", c.gpt.*member);
       }});
}

OptionSpec width_factor_option() {
  OptionSpec option = number_option(
      "width-factor", "F",
      "factor on the number of channels of every layer, which stays at least 1 (conv)",
      [](auto& c) -> auto& { return c.width_factor; }, 0, true);
  option.set = [set = option.set](Config& c, std::string const& t) {
    constexpr double most = 64;
    set(c, t);
    if (c.width_factor > most) usage_error("--width-factor {}: must be at most {}", t, most);
  };
  return option;
}

void add_model_options(std::vector<OptionSpec>& all) {
  all.push_back(choice_option("objective", "the objective to train",
                              same({"quadratic", "logistic", "mlp", "conv", "gpt"}),
                              &Config::objective));
  all.push_back({"hidden", "W,W,..", "widths of the hidden layers (mlp)",
                 [](Config& c, std::string const& t) { c.hidden = integers("hidden", t, 1); },
                 [](Config const& c) { return fmt::format("{}", fmt::join(c.hidden, ",")); }});
  all.push_back(choice_option("activation", "activation function between layers (mlp)", activations,
                              &Config::activation));
  all.push_back(choice_option("preset", "preset for the sizes that are not given (gpt)",
                              same(nn::gpt_presets()), &Config::preset));
  add_gpt_size(all, "layers", "transformer blocks (gpt)", &nn::GptSize::layers);
  add_gpt_size(all, "width", "embedding width (gpt)", &nn::GptSize::width);
  add_gpt_size(all, "heads", "attention heads (gpt)", &nn::GptSize::heads);
  add_gpt_size(all, "sequence", "tokens in one row (gpt)", &nn::GptSize::sequence);
  all.push_back(
      choice_option("model", "the network (conv)", same(nn::image_model_names()), &Config::model));
  all.push_back(width_factor_option());
  all.push_back(integer_option("depth", "D",
                               "largest number of convolutions (vgg) or blocks (resnet) between "
                               "two changes of the image size; 0: all (conv)",
                               &Config::depth, 0));
  all.push_back(number_option(
      "l2", "MU", "weight of the penalty (MU/2)|w|^2 (logistic)",
      [](auto& c) -> auto& { return c.l2; }, 0));
  all.push_back(
      text_option("cut", "even|counted|measured|U,U,..",
                  "how a network is cut: by the number of layers, by operations, by time, "
                  "or at these first units of stages 1.. (default: counted, even for mlp)",
                  &Config::cut));
  all.push_back(integer_option(
      "memory-bound", "BYTES",
      "upper bound on the memory of one stage, for the cuts counted and measured (0: none)",
      &Config::memory_bound, 0));
  all.push_back(flag_option("recompute",
                            "save memory: keep only a stage's input and repeat the forward before "
                            "the backward, with the backward's weights (networks)",
                            &Config::recompute));
  all.push_back(
      {"precision", "float|double",
       "precision of weights and messages; default: double for quadratic and logistic, else float",
       [](Config& c, std::string const& t) {
         c.precision = choice("precision", t, same({"float", "double"}));
       },
       [](Config const& c) { return c.precision; }});
  all.push_back(text_option("init", "FILE|RUN",
                            "start from named parameters: HDF5 with a dataset for each, names and "
                            "shapes as in a PyTorch state dict; or from the folder of a run with "
                            "--save-parameters, its optimizer's state included",
                            &Config::init));
}

OptionSpec drop_last_option() {
  OptionSpec option{"drop-last", "",
                    "drop the last rows that do not fill a microbatch (default for text and "
                    "tokens; --no-drop-last makes such rows an error)",
                    [](Config& c, std::string const& t) { c.drop_last = flag("drop-last", t); },
                    [](Config const& c) {
                      return c.drop_last ? std::string(*c.drop_last ? "true" : "false")
                                         : std::string();
                    }};
  option.negatable = true;
  return option;
}

void add_file_options(std::vector<OptionSpec>& all) {
  all.push_back({"data-format", "NAME",
                 "read --data and --validation as this format instead of recognising it: " +
                     io::format_names(),
                 [](Config& c, std::string const& t) {
                   static_cast<void>(io::format_named(t));
                   c.files.format = t;
                 },
                 [](Config const& c) { return c.files.format; }});
  all.push_back({"token-bits", "16|32", "width of one token in a file of bare tokens (gpt)",
                 [](Config& c, std::string const& t) {
                   c.files.token_bits = choice<int>("token-bits", t, {{"16", 16}, {"32", 32}});
                 },
                 [](Config const& c) {
                   return c.files.token_bits == 0 ? std::string()
                                                  : fmt::format("{}", c.files.token_bits);
                 }});
}

void add_data_options(std::vector<OptionSpec>& all) {
  all.push_back(text_option(
      "data", "PATH",
      "HDF5 (/X, /y, or FILE:/NAME,/NAME), .npy, LIBSVM, CSV, IDX or CIFAR file, text (its "
      "tokens are bytes), llm.c or other tokens, or generate:quadratic, generate:logistic, "
      "generate:images, generate:text (default: what fits the objective)",
      &Config::data));
  add_file_options(all);
  all.push_back(integer_option("rows", "n", "rows of generated data", &Config::rows, 1));
  all.push_back(integer_option("features", "d",
                               "features of generated data (0: 784 for images, else 64)",
                               &Config::features, 0));
  all.push_back(integer_option("classes", "C", "classes of generated images", &Config::classes, 2));
  all.push_back(integer_option(
      "vocabulary", "V", "size of the vocabulary (0: taken from the file; 64 for generated text)",
      &Config::vocabulary, 0, largest_vocabulary));
  all.push_back(integer_option("microbatch-size", "B", "rows in one microbatch",
                               &Config::microbatch_size, 1));
  all.push_back(integer_option(
      "epochs", "E", "passes over the data (0: given by --microbatches; 1 if that is 0 too)",
      &Config::epochs, 0));
  all.push_back(drop_last_option());
  all.push_back(flag_option("shuffle", "read the rows in a new order every epoch (networks)",
                            &Config::shuffle));
  all.push_back(choice_option("augment",
                              "augment training images: flip mirrors each with probability 1/2, "
                              "crop shifts it by up to 4 pixels and pads with zeros",
                              augments, &Config::augment));
}

/// A number of steps, which is not in the text of a configuration that has none.
OptionSpec steps_option(std::string name, std::string help, std::int64_t Config::*member) {
  return {name, "N", std::move(help),
          [=](Config& c, std::string const& t) { c.*member = integer(name, t, 0); },
          [=](Config const& c) {
            return c.*member == 0 ? std::string() : fmt::format("{}", c.*member);
          }};
}

void add_evaluation_options(std::vector<OptionSpec>& all) {
  all.push_back(
      text_option("validation", "PATH or FRACTION",
                  "held-out data: a file, or the fraction of --data's last rows to hold out",
                  &Config::validation));
  all.push_back(
      {"evaluate-rows", "R",
       "number of training rows, and of held-out rows, that an evaluation of a network uses (0: "
       "all; default: all; for gpt: 256, or a quarter of the rows trained on if that is less)",
       [](Config& c, std::string const& t) { c.evaluate_rows = integer("evaluate-rows", t, 0); },
       [](Config const& c) {
         return c.evaluate_rows < 0 ? std::string() : fmt::format("{}", c.evaluate_rows);
       }});
  all.push_back(number_option(
      "evaluate-every", "T", "evaluate every T units of plan time (0: at the start and the end)",
      [](auto& c) -> auto& { return c.evaluate_every; }, 0));
  all.push_back(integer_option("evaluate-updates", "K",
                               "evaluate every K block updates (0: at the start and the end)",
                               &Config::evaluate_updates, 0));
  all.push_back(steps_option("evaluate-steps",
                             "evaluate every N steps: once every stage has applied each N-th "
                             "minibatch (0: at the start and the end)",
                             &Config::evaluate_steps));
}

void add_optimizer_options(std::vector<OptionSpec>& all) {
  all.push_back({"optimizer", fmt::format("{}", fmt::join(nn::optimizer_names(), "|")),
                 "optimizer (default: the method's, else sgd)",
                 [](Config& c, std::string const& t) {
                   c.optimizer.name = choice("optimizer", t, same(nn::optimizer_names()));
                 },
                 [](Config const& c) { return c.optimizer.name; }});
  all.push_back(number_option(
      "learning-rate", "GAMMA", "learning rate; with --warmup or --decay the largest",
      [](auto& c) -> auto& { return c.optimizer.learning_rate; }, 0, true));
  all.push_back(number_option(
      "momentum", "MU", "momentum of the optimizers momentum and nesterov-momentum",
      [](auto& c) -> auto& { return c.optimizer.momentum; }, 0));
  all.push_back(number_option(
      "weight-decay", "D",
      "weight decay: adds D w to the gradient; adamw and nadam decouple it; biases and norms have "
      "none",
      [](auto& c) -> auto& { return c.optimizer.weight_decay; }, 0));
  all.push_back(integer_option(
      "warmup", "K", "number of updates over which the learning rate rises linearly to its value",
      &Config::warmup, 0, largest_run));
  all.push_back(choice_option("decay", "how the learning rate falls to 0 after the warm-up", decays,
                              &Config::decay));
  all.push_back(number_option(
      "clip", "C",
      "clip each stage's gradient to this norm, for each stage separately (0: no clipping)",
      [](auto& c) -> auto& { return c.optimizer.clip; }, 0));
  OptionSpec beta1 = fraction_option(
      "beta1", "B",
      "first-moment decay of adamw and nadam (default: 0.9, for the method nesterov 0.99)",
      [](auto& c) -> auto& { return c.optimizer.beta1; });
  beta1.get = [](Config const& c) {
    return c.optimizer.beta1 < 0 ? std::string() : text(c.optimizer.beta1);
  };
  all.push_back(beta1);
  all.push_back(fraction_option(
      "beta2", "B", "second-moment decay of adamw and nadam",
      [](auto& c) -> auto& { return c.optimizer.beta2; }));
  all.push_back(number_option(
      "epsilon", "E", "term in the denominator of adamw and nadam",
      [](auto& c) -> auto& { return c.optimizer.epsilon; }, 0, true));
  all.push_back(number_option(
      "gradient-noise", "SIGMA", "add noise N(0, SIGMA^2) to every coordinate of every gradient",
      [](auto& c) -> auto& { return c.gradient_noise; }, 0));
}

constexpr std::int64_t most_minutes = std::int64_t{60} * 24 * 365;

/// "5m" is minutes, a bare number updates.
OptionSpec checkpoint_option() {
  OptionSpec option = text_option(
      "checkpoint-every", "K or 5m",
      "write a checkpoint for --resume every K block updates or, as 5m, minutes (default: only "
      "when a signal stops the run); a finished run keeps one, so that it can be made longer",
      &Config::checkpoint_every);
  option.set = [](Config& c, std::string const& t) {
    if (t.empty())
      usage_error("--checkpoint-every '': give block updates, as 1000, or minutes, as 5m");
    c.checkpoint_every = t;
    static_cast<void>(checkpoint_settings(c));
  };
  return option;
}

void add_run_options(std::vector<OptionSpec>& all) {
  all.push_back(choice_option(
      "order", "replay the plan, or let each rank act on the messages that have arrived", orders,
      &Config::order));
  all.push_back(
      flag_option("trace-events", "record every action (for Gantt charts)", &Config::trace_events));
  all.push_back(
      integer_option("trace-displacement", "K",
                     "record |w(update)-w(forward)|^2 of every K-th microbatch (0: never)",
                     &Config::trace_displacement, 0));
  all.push_back(integer_option(
      "trace-stale-read", "K",
      "record |w-z|^2, the squared distance between the weights and those its forward read, when "
      "stage 0 is about to apply every K-th microbatch (0: never)",
      &Config::trace_stale_read, 0));
  all.push_back(integer_option("trace-every", "K",
                               "record a row of the table steps for every K-th microbatch",
                               &Config::trace_every, 1));
  all.push_back(aside(text_option(
      "log-csv", "FILE", "write a CSV file with one line for each evaluation when the run ends",
      &Config::log_csv)));
  all.push_back(checkpoint_option());
  all.push_back(steps_option("checkpoint-steps",
                             "write a checkpoint every N steps, counted as for --evaluate-steps",
                             &Config::checkpoint_steps));
  all.push_back(flag_option("save-parameters",
                            "write the trained weights to parameters.h5 and the optimizer's state "
                            "to optimizer.h5, for --init (with --pipelines those of the first)",
                            &Config::save_parameters));
  all.push_back(choice_option("device", "device on which the stages compute", same({"host", "gpu"}),
                              &Config::device));
  all.push_back(flag_option("tf32",
                            "let matrix products on the GPU round their factors to 10 bits (float)",
                            &Config::tf32));
  all.push_back(flag_option("gpu-aware-mpi", "let MPI read and write the GPU's memory directly",
                            &Config::gpu_aware_mpi));
  all.push_back(integer_option("threads", "T", "BLAS threads per rank", &Config::threads, 1, 1024));
}

void add_folder_options(std::vector<OptionSpec>& all) {
  all.push_back(aside(planned(text_option(
      "out", "DIR", "run folder (run: runs/<hash of the configuration>)", &Config::out))));
  all.push_back(aside(planned(flag_option(
      "overwrite", "replace a finished or stopped run in the run folder", &Config::overwrite))));
  all.push_back(aside(number_option(
      "patience", "SECONDS",
      "time that a rank waits for another before the run fails and names that rank (0: no limit)",
      [](auto& c) -> auto& { return c.patience; }, 0)));
  all.push_back(aside(planned(flag_option(
      "quiet", "print nothing; the log and the trace keep everything", &Config::quiet))));
}

std::vector<OptionSpec> make_options() {
  std::vector<OptionSpec> all;
  add_pipeline_options(all);
  add_pipelines_options(all);
  add_method_options(all);
  add_model_options(all);
  add_data_options(all);
  add_optimizer_options(all);
  add_evaluation_options(all);
  add_run_options(all);
  add_folder_options(all);
  return all;
}

}  // namespace

std::span<OptionSpec const> all_options() {
  static std::vector<OptionSpec> const options = make_options();
  return options;
}

bool belongs(OptionSpec const& option, Command command) {
  return command == Command::run || option.plans;
}

engine::CheckpointSettings checkpoint_settings(Config const& config) {
  constexpr std::int64_t ns_a_minute = 60'000'000'000;
  std::string const& text = config.checkpoint_every;
  if (text.empty()) return {.every_steps = config.checkpoint_steps};
  bool const minutes = text.ends_with('m');
  std::string const digits = text.substr(0, text.size() - (minutes ? 1 : 0));
  bool const number = !digits.empty() && digits.size() < 10 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  std::int64_t const every = number ? std::stoll(digits) : 0;
  if (every == 0 || (minutes && every > most_minutes)) {
    usage_error(
        "--checkpoint-every '{}': must be a number of block updates, as 1000, or of minutes, as 5m",
        text);
  }
  return minutes ? engine::CheckpointSettings{.every_ns = ns_a_minute * every}
                 : engine::CheckpointSettings{.every_updates = every};
}

std::string config_text(Config const& config) {
  std::string ini;
  for (OptionSpec const& option : all_options()) {
    if (!belongs(option, config.command)) continue;
    std::string const value = option.get(config);
    if (option.decides && !value.empty()) ini += fmt::format("{} = {}\n", option.name, value);
  }
  return ini;
}

std::string config_hash(Config const& config) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char const c : config_text(config))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace quartic::app
