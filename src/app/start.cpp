#include "quartic/app/start.hpp"

#include <filesystem>

#include "quartic/core/check.hpp"
#include "quartic/io/parameters.hpp"
#include "quartic/nn/optimizer.hpp"

namespace quartic::app {
namespace {

namespace fs = std::filesystem;

/// The file of named parameters that --init means.
fs::path weights_of(fs::path const& init) {
  if (!fs::is_directory(init)) return init;
  fs::path file = init / parameters_file;
  if (!fs::exists(file))
    usage_error(
        "--init {}: has no {}; valid: the folder of a run with --save-parameters, or a parameter "
        "file",
        init.string(), parameters_file);
  return file;
}

/// Why the state that lies in `file` is not for `optimizer`; empty where it is.
std::string misfit(fs::path const& file, std::string const& optimizer) {
  bool const has_state = !nn::state_names(optimizer).empty();
  if (!fs::exists(file)) {
    return has_state
               ? fmt::format(
                     "{} is missing, which --save-parameters writes for every optimizer with state",
                     optimizer_file)
               : "";
  }
  std::string const name = io::ParameterReader(file.string()).text("optimizer");
  if (name == optimizer && has_state) return {};
  return fmt::format("its {} is of {}, but this run uses {}", optimizer_file, quartic::quoted(name),
                     optimizer);
}

template <class T>
std::string updates_of(ReadOptimizers<T> const& read) {
  return read.fewest_steps == read.most_steps
             ? fmt::format("{}", read.most_steps)
             : fmt::format("{} to {}", read.fewest_steps, read.most_steps);
}

template <class T>
void read_optimizer(comm::Communicator& communicator, std::string const& init,
                    std::string const& optimizer, HostedParameters const& hosted, Start<T>& start) {
  std::string const file = (fs::path(init) / optimizer_file).string();
  std::string reason;
  comm::agree(communicator, [&] { reason = misfit(file, optimizer); });
  comm::require_equal(communicator, file, reason);
  start.lacks_state = !reason.empty();
  if (start.lacks_state) {
    start.line =
        fmt::format("init: weights of {} without the state of an optimizer: {}", init, reason);
  } else if (nn::state_names(optimizer).empty()) {
    start.line = fmt::format("init: weights of {}; {} has no state", init, optimizer);
  } else {
    auto read = read_optimizers<T>(communicator, file, optimizer, hosted);
    start.line = fmt::format("init: weights of {}, and the state of its {} after {} updates", init,
                             optimizer, updates_of(read));
    start.optimizers = std::move(read.states);
    start.optimizer_checksum = std::move(read.checksum);
  }
}

}  // namespace

template <class T>
Start<T> read_start(comm::Communicator& communicator, std::string const& init,
                    std::string const& optimizer, HostedParameters const& hosted) {
  fs::path weights;
  comm::agree(communicator, [&] { weights = weights_of(init); });
  comm::require_equal(communicator, "--init " + init, weights.string());
  auto read = read_parameters<T>(communicator, weights.string(), hosted);
  Start<T> start{std::move(read.blocks), {}, std::move(read.checksum), {}};
  if (weights != init) read_optimizer(communicator, init, optimizer, hosted, start);
  return start;
}

template Start<float> read_start<float>(comm::Communicator&, std::string const&, std::string const&,
                                        HostedParameters const&);
template Start<double> read_start<double>(comm::Communicator&, std::string const&,
                                          std::string const&, HostedParameters const&);

}  // namespace quartic::app
