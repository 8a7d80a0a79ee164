#include "quartic/app/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "quartic/core/check.hpp"
#include "values.hpp"

namespace quartic::app {
namespace {

namespace po = boost::program_options;

std::string negation(std::string const& name) {
  return fmt::format("no-{}", name);
}

void add_negation(po::options_description& known, OptionSpec const& option) {
  auto* const value = po::value<std::string>();
  value->implicit_value("true", "");
  known.add_options()(negation(option.name).c_str(), value, option.help.c_str());
}

/// --no-drop-last is --drop-last false.
void take_back(std::string& name, std::string& value) {
  auto const is_it = [&](OptionSpec const& option) {
    return option.negatable && negation(option.name) == name;
  };
  auto const options = all_options();
  auto const found = std::find_if(options.begin(), options.end(), is_it);
  if (found == options.end()) return;
  value = flag(name, value) ? "false" : "true";
  name = found->name;
}

po::options_description description(Command command) {
  po::options_description known;
  for (OptionSpec const& option : all_options()) {
    if (!belongs(option, command)) continue;
    auto* const value = po::value<std::string>();
    if (option.value.empty()) value->implicit_value("true", "");
    known.add_options()(option.name.c_str(), value, option.help.c_str());
    if (option.negatable) add_negation(known, option);
  }
  return known;
}

po::parsed_options parse_words(Command command, std::vector<std::string> const& arguments,
                               po::options_description const& file_options) {
  po::options_description known;
  known.add(file_options);
  known.add_options()("config", po::value<std::string>());
  known.add_options()("print-config", po::value<std::string>()->implicit_value("true", ""));
  if (command == Command::run) known.add_options()("resume", po::value<std::string>());
  if (command == Command::plan) {
    known.add_options()("format", po::value<std::string>());
    known.add_options()("check", po::value<std::string>());
  }
  int const style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing &
                    ~po::command_line_style::allow_short;
  return po::command_line_parser(arguments).options(known).style(style).run();
}

/// Boost repeats a line that it cannot read, whatever bytes are in it.
void refuse_what_is_no_text(std::string const& path, std::string const& text) {
  auto const is_control = [](char letter) {
    return (letter >= 0 && letter < ' ' && letter != '\n' && letter != '\r' && letter != '\t');
  };
  if (std::any_of(text.begin(), text.end(), is_control))
    usage_error("--config {}: is not a text file; valid: lines of OPTION = VALUE", path);
}

/// Boost puts values for %words% into its messages, again and again where a value has such a word:
/// it comes to no end of one that names itself.
void refuse_placeholders(std::string const& path, std::string const& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string const name = line.substr(0, line.find_first_of("#="));
    if (name.find('%') != std::string::npos)
      usage_error("--config {}: {}: no option has a % in its name; valid: lines of OPTION = VALUE",
                  path, quartic::quoted(name));
  }
}

po::parsed_options parse_file(std::string const& path, po::options_description const& known) {
  if (std::filesystem::is_directory(path))
    usage_error("--config {}: is a folder; give an INI file", path);
  std::ifstream file(path);
  if (!file) usage_error("--config {}: cannot be read", path);
  std::string const bytes(std::istreambuf_iterator<char>(file), {});
  std::istringstream text{std::string(io::without_mark(bytes))};
  refuse_what_is_no_text(path, text.str());
  refuse_placeholders(path, text.str());
  try {
    return po::parse_config_file(text, known);
  } catch (po::error const& error) {
    usage_error("--config {}: {}", path, error.what());
  }
}

using Values = std::map<std::string, std::string>;

/// Every option at most once in one place.
Values values_of(po::parsed_options const& parsed, std::string const& place) {
  Values values;
  for (po::option const& option : parsed.options) {
    if (option.string_key.empty())
      usage_error("'{}' is not an option; see --help", option.original_tokens.front());
    std::string name = option.string_key;
    std::string value = option.value.empty() ? "true" : option.value.front();
    take_back(name, value);
    if (!values.emplace(name, value).second) usage_error("{}--{} is given twice", place, name);
  }
  return values;
}

std::string take(Values& values, std::string const& name, std::string const& otherwise) {
  auto const found = values.find(name);
  if (found == values.end()) return otherwise;
  std::string value = found->second;
  values.erase(found);
  return value;
}

Values command_line_values(Command command, std::vector<std::string> const& arguments,
                           po::options_description const& known) {
  try {
    return values_of(parse_words(command, arguments, known), "");
  } catch (po::unknown_option const& error) {
    usage_error("unknown option {}; `quartic {} --help` lists the options", error.get_option_name(),
                command == Command::run ? "run" : "plan");
  } catch (po::error const& error) {
    usage_error("{}", error.what());
  }
}

/// A schedule file says itself what a method's options would.
void refuse_beside_check(Values const& values) {
  if (!values.contains("check")) return;
  if (values.at("check").empty()) usage_error("--check '': give a schedule file");
  for (auto const& [name, value] : values) {
    if (name != "check" && name != "cost" && name != "seed" && name != "format")
      usage_error(
          "--{}: cannot be combined with --check; valid with --check: --cost, --seed, --format",
          name);
  }
}

/// The values of the run that --resume names, with those that may be given beside it.
Values values_to_resume(Values given, std::string const& folder,
                        po::options_description const& known, Config& config) {
  constexpr std::array allowed{
      "microbatches", "epochs", "checkpoint-every", "checkpoint-steps", "trace-every",
      "log-csv",      "quiet",  "patience"};
  for (auto const& [name, value] : given) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
      usage_error("--{}: cannot be combined with --resume; valid with --resume: --{}", name,
                  fmt::join(allowed, ", --"));
  }
  std::string const path = (std::filesystem::path(folder) / "config.ini").string();
  if (folder.empty() || !std::filesystem::is_regular_file(path))
    usage_error("--resume {}: contains no config.ini; give a run folder", folder);
  Values values = values_of(parse_file(path, known), path + ": ");
  if (!values.contains("microbatches"))
    usage_error("--resume {}: its config.ini was not written by a run; give a run folder", folder);
  config.resumed_microbatches = integer("microbatches", values["microbatches"], 1);
  config.out = folder;
  if (given.contains("microbatches") || given.contains("epochs")) {
    values.erase("microbatches");
    values.erase("epochs");
  }
  if (given.contains("checkpoint-every") || given.contains("checkpoint-steps")) {
    values.erase("checkpoint-every");
    values.erase("checkpoint-steps");
  }
  given.merge(values);
  return given;
}

/// A config.ini has all options, those without effect at their defaults.
Values without_defaults(Values values) {
  Config const defaults;
  for (OptionSpec const& option : all_options()) {
    auto const found = values.find(option.name);
    if (found != values.end() && found->second == option.get(defaults)) values.erase(found);
  }
  return values;
}

/// config.ini has the value as it stands: with a remark in it, or blanks at its ends, it would be
/// another one there.
void refuse_what_config_cannot_say(std::string const& option, std::string const& value) {
  auto const is_control = [](char letter) { return letter >= 0 && letter < ' '; };
  bool const has_blank_end = value.starts_with(' ') || value.ends_with(' ');
  if (has_blank_end || value.find('#') != std::string::npos ||
      std::any_of(value.begin(), value.end(), is_control)) {
    usage_error("--{} {}: must not contain # or control characters, or begin or end with a blank",
                option, quartic::quoted(value));
  }
}

void refuse_contradictions(Config const& config) {
  constexpr double tick = 1 / static_cast<double>(plan::ticks_per_unit);
  constexpr double longest = 1e9;  // in ticks it still fits into 63 bits
  if (config.evaluate_every != 0 &&
      (config.evaluate_every < tick || config.evaluate_every > longest)) {
    usage_error("--evaluate-every {}: must be 0, or from {:g} to {:g}", config.evaluate_every, tick,
                longest);
  }
  if (config.microbatches > 0 && config.epochs > 0)
    usage_error("--microbatches and --epochs: give only one of the two");
  if ((config.evaluate_every > 0) + (config.evaluate_updates > 0) + (config.evaluate_steps > 0) > 1)
    usage_error(
        "--evaluate-every, --evaluate-updates and --evaluate-steps: give only one of the three");
  if (config.checkpoint_steps > 0 && !config.checkpoint_every.empty())
    usage_error("--checkpoint-every and --checkpoint-steps: give only one of the two");
  if (config.order == engine::Order::arrival && config.evaluate_every > 0) {
    usage_error(
        "--evaluate-every: counts plan time, and --order arrival has none; use --evaluate-steps");
  }
  bool const checkpoints = config.checkpoint_steps > 0 || !config.checkpoint_every.empty();
  if (config.order == engine::Order::arrival && checkpoints) {
    usage_error(
        "--checkpoint-{}: a checkpoint lies at a position of the plan, and --order arrival follows "
        "no plan; use --order plan",
        config.checkpoint_steps > 0 ? "steps" : "every");
  }
  if (config.order == engine::Order::arrival && config.trace_stale_read > 0) {
    usage_error(
        "--trace-stale-read: takes snapshots at plan times, and --order arrival has none; use "
        "--order plan");
  }
  if (config.order == engine::Order::arrival && config.evaluate_updates % config.stages != 0) {
    usage_error(
        "--evaluate-updates {}: with --order arrival, must be a multiple of the number of stages, "
        "{}",
        config.evaluate_updates, config.stages);
  }
}

}  // namespace

Config parse(Command command, std::vector<std::string> const& arguments) {
  po::options_description const known = description(command);
  Values values = command_line_values(command, arguments, known);
  refuse_beside_check(values);
  Config config;
  config.command = command;
  config.print_config = flag("print-config", take(values, "print-config", "false"));
  config.given = values;
  if (values.contains("resume")) {
    std::string const folder = take(values, "resume", "");
    values = values_to_resume(std::move(values), folder, known, config);
  }
  if (auto const path = take(values, "config", ""); !path.empty()) {
    Values in_file = values_of(parse_file(path, known), path + ": ");
    config.given.merge(without_defaults(in_file));
    values.merge(in_file);
  }
  config.format =
      choice<std::string>("format", take(values, "format", "table"),
                          {{"grid", "grid"}, {"table", "table"}, {"csv", "csv"}, {"json", "json"}});
  config.check = take(values, "check", "");
  for (OptionSpec const& option : all_options()) {
    auto const found = values.find(option.name);
    if (found == values.end()) continue;
    if (option.decides) refuse_what_config_cannot_say(option.name, found->second);
    option.set(config, found->second);
  }
  refuse_contradictions(config);
  return config;
}

std::string help(Command command) {
  fmt::memory_buffer out;
  auto const line = [&](std::string const& left, std::string const& right) {
    fmt::format_to(std::back_inserter(out), "  {:<34} {}\n", left, right);
  };
  bool const runs = command == Command::run;
  fmt::format_to(std::back_inserter(out), "quartic {} [options]: {}\n\n", runs ? "run" : "plan",
                 runs ? "train, and write the run folder"
                      : "print the plan of a run, without data or training");
  line("--config FILE",
       "read options from an INI file with the same names; the command line takes precedence");
  if (runs) {
    line("--resume DIR",
         "continue the run in DIR from its last checkpoint, on any number of ranks; valid with it: "
         "--microbatches or --epochs (not fewer than before), --checkpoint-every, "
         "--checkpoint-steps, --trace-every, --log-csv, --quiet, --patience");
  }
  line("--print-config", "print the resolved configuration and exit");
  if (!runs) line("--format grid|table|csv|json", "what to print [table]");
  if (!runs)
    line("--check FILE", "check a schedule file (in the form of --format csv) instead of planning");
  Config const defaults;
  for (OptionSpec const& option : all_options()) {
    if (!belongs(option, command)) continue;
    std::string const value = option.get(defaults);
    bool const shown = !option.value.empty() && !value.empty();
    line(fmt::format("--{}{}{}", option.name, option.value.empty() ? "" : " ", option.value),
         shown ? fmt::format("{} [{}]", option.help, value) : option.help);
  }
  return fmt::to_string(out);
}

}  // namespace quartic::app
