#include "quartic/app/setup.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "data_sources.hpp"
#include "effects.hpp"
#include "quartic/app/device.hpp"
#include "quartic/app/memory.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/delays.hpp"
#include "quartic/method/registry.hpp"
#include "quartic/nn/gpt.hpp"
#include "quartic/plan/statistics.hpp"
#include "values.hpp"

namespace quartic::app {
namespace {

/// Stages of all pipelines together.
constexpr std::int64_t largest_seats = 1 << 20;

/// The objective's generator.
std::string default_data(std::string const& objective) {
  if (objective == "mlp" || objective == "conv") return "generate:images";
  if (objective == "gpt") return "generate:text";
  return "generate:" + objective;
}

std::vector<std::int64_t> cut_by_hand(Config const& config) {
  bool const numbers = config.cut.find_first_of("0123456789") != std::string::npos;
  return numbers ? integers("cut", config.cut, 0) : std::vector<std::int64_t>{};
}

void resolve_cut_option(Config& config) {
  if (!is_network(config)) {
    if (config.cut.empty() && config.memory_bound == 0 && !config.recompute) return;
    usage_error(
        "--cut, --memory-bound, --recompute: valid only for networks; {} is cut evenly by its "
        "columns",
        config.objective);
  }
  if (config.cut.empty()) config.cut = config.objective == "mlp" ? "even" : "counted";
  bool const by_cost = config.cut == "counted" || config.cut == "measured";
  bool const by_hand = config.cut.find_first_not_of("0123456789,") == std::string::npos;
  if (config.cut != "even" && !by_cost && !by_hand)
    usage_error("--cut {}: unknown value; valid: even, counted, measured, or numbers such as 3,5,9",
                config.cut);
  if (config.memory_bound > 0 && !by_cost)
    usage_error("--memory-bound: chooses among cuts; valid only with --cut counted or measured");
}

/// Defaults that the objective decides.
void resolve_objective(Config& config) {
  bool const network = is_network(config);
  if (config.precision.empty()) config.precision = network ? "float" : "double";
  if (config.data.empty()) config.data = default_data(config.objective);
  if (config.objective == "gpt") config.gpt = nn::gpt_size(config.preset, config.gpt);
  resolve_cut_option(config);
  if (!config.drop_last) config.drop_last = config.objective == "gpt";
  if (config.evaluate_rows > 0 && !network) {
    usage_error("--evaluate-rows: valid only for networks; {} is evaluated on all rows",
                config.objective);
  }
  if (!network && (config.shuffle || config.augment != nn::Augment::none)) {
    usage_error(
        "--{}: valid only for networks; {} reads its rows unchanged, in the order of the data",
        config.shuffle ? "shuffle" : "augment", config.objective);
  }
  require_device(config);
}

/// What --augment changes are images, and larger than what a crop may move them by.
void require_images(Config const& config, ImageShape image) {
  if (config.augment == nn::Augment::none) return;
  if (image.channels == 0) {
    usage_error(
        "--augment: the rows of {} are not images of known height and width; valid: IDX images, "
        "CIFAR images, generate:images",
        config.data);
  }
  std::int64_t const side = std::min(image.height, image.width);
  if (config.augment != nn::Augment::flip && side <= nn::Augmentation::padding) {
    usage_error(
        "--augment: a crop shifts images by up to {} pixels, but the images of {} are {} x {}; "
        "valid: flip",
        nn::Augmentation::padding, config.data, image.height, image.width);
  }
}

/// Divisors of `rows` on either side of `size`: the nearest microbatch sizes that leave no row
/// over.
std::string nearest_sizes(std::int64_t rows, std::int64_t size) {
  std::int64_t below = size;
  while (rows % below != 0) --below;
  std::int64_t above = size;
  while (above < rows && rows % above != 0) ++above;
  bool const first_is_nearer = size - below <= above - size;
  return fmt::format("{}", first_is_nearer ? below : above);
}

std::int64_t microbatches_an_epoch(Config const& config, std::int64_t rows) {
  std::int64_t const size = config.microbatch_size;
  if (size > rows)
    usage_error("--microbatch-size {}: {} has only {} rows", size, config.data, rows);
  if (rows % size != 0 && !*config.drop_last) {
    usage_error(
        "--microbatch-size {}: does not divide the {} rows of {}; the nearest that does is {}, or "
        "use --drop-last",
        size, rows, config.data, nearest_sizes(rows, size));
  }
  return rows / size;
}

/// A method may have a default of its own, and be defined with that optimizer only.
void resolve_optimizer(Config& config, method::Method const& method) {
  nn::OptimizerSpec& optimizer = config.optimizer;
  if (optimizer.name.empty()) optimizer.name = method.optimizer.empty() ? "sgd" : method.optimizer;
  if (method.only_optimizer && optimizer.name != method.optimizer) {
    usage_error("--optimizer {}: {} is defined only with {}", optimizer.name, method.name,
                method.optimizer);
  }
  if (optimizer.beta1 < 0) optimizer.beta1 = method.beta1 > 0 ? method.beta1 : 0.9;
}

/// --epochs of all data, of which each pipeline takes its share.
void resolve_epochs(Config& config, std::int64_t an_epoch) {
  std::int64_t const epochs = std::max<std::int64_t>(1, config.epochs);
  if (epochs > largest_run / an_epoch)
    usage_error("--epochs {}: must be at most {}", epochs, largest_run / an_epoch);
  std::int64_t const pipelines = config.averaging.pipelines;
  if (epochs * an_epoch % pipelines != 0) {
    usage_error(
        "--epochs {}: its {} microbatches cannot be divided evenly among {} pipelines; give "
        "--microbatches (of one pipeline) instead",
        epochs, epochs * an_epoch, pipelines);
  }
  config.microbatches = epochs * an_epoch / pipelines;
  config.epochs = 0;
}

/// All rows, of a gpt 256; in a run that trains on fewer a quarter of those, in whole microbatches,
/// so that evaluation does not take longer than training.
void resolve_evaluated_rows(Config& config, std::int64_t rows) {
  if (config.evaluate_rows >= 0) return;
  constexpr std::int64_t of_gpt = 256;
  bool const is_gpt = config.objective == "gpt";
  std::int64_t const size = config.microbatch_size;
  std::int64_t const trained = config.microbatches * size * config.averaging.pipelines;
  if (!is_network(config) || trained >= (is_gpt ? std::min(rows, of_gpt) : rows))
    config.evaluate_rows = is_gpt ? of_gpt : 0;
  else
    config.evaluate_rows = std::max(size, trained / 4 / size * size);
}

/// A run that goes on may become longer, where that changes nothing of what is done.
void require_same_or_longer(Config const& config, plan::Rules const& rules) {
  std::int64_t const before = config.resumed_microbatches;
  if (config.microbatches == before || before == 0) return;
  if (config.microbatches < before) {
    usage_error("--resume {}: the run has {} microbatches; it can be made longer but not shorter",
                config.out, before);
  }
  if (!can_become_longer(config, rules)) {
    bool const decays = config.decay != nn::Decay::constant;
    usage_error(
        "--resume {}: cannot be made longer, because with {} its learning rate depends on its {} "
        "microbatches",
        config.out, decays ? "--decay" : "--method " + config.method, before);
  }
}

void require_pipelines(Config const& config) {
  engine::AveragingSettings const& averaging = config.averaging;
  if (std::int64_t{averaging.pipelines} * config.stages > largest_seats) {
    usage_error("--pipelines {}: with {} stages, must be at most {}", averaging.pipelines,
                config.stages, largest_seats / config.stages);
  }
  bool const unused =
      averaging.every != 1 || averaging.outer.rate != 1 || averaging.outer.momentum != 0;
  if (averaging.pipelines == 1 && unused) {
    usage_error(
        "--synchronize-every, --outer-rate and --outer-momentum: valid only with --pipelines of at "
        "least 2");
  }
}

void require_arrival_order(Config const& config, plan::Rules const& rules) {
  if (config.order == engine::Order::plan) return;
  if (rules.need_plan()) {
    usage_error(
        "--order arrival: {} needs a global view of all stages, which only a plan has; use --order "
        "plan",
        config.method);
  }
  if (config.averaging.pipelines > 1)
    usage_error(
        "--order arrival: several pipelines average at positions of the plan; use --order plan");
}

void require_prediction(Config const& config, plan::Rules const& rules) {
  if (!rules.versions->predicts() || !nn::state_names(config.optimizer.name).empty()) return;
  std::vector<std::string> valid = nn::optimizer_names();
  std::erase_if(valid, [](std::string const& name) { return nn::state_names(name).empty(); });
  usage_error(
      "--optimizer {}: keeps no state to predict its next step from, which {} needs; valid: {}",
      config.optimizer.name, config.method, fmt::join(valid, ", "));
}

/// The columns of the features that this rank's stages read: the smallest range that holds them.
Part columns_of(nn::ModelSpec const& model, engine::Hosting const& hosting) {
  Part columns{0, 0};
  for (engine::Seat const seat : hosting.seats()) {
    Part const part = nn::columns_of_stage(model, seat.stage);
    if (part.size == 0) continue;
    if (columns.size == 0) columns = part;
    std::int64_t const first = std::min(columns.first, part.first);
    columns = {first, std::max(columns.first + columns.size, part.first + part.size) - first};
  }
  return columns;
}

/// Empty unless the delays are those of a file.
std::string delays_checksum(Config const& config) {
  constexpr std::string_view replay = "replay:";
  auto const delays = config.method_options.find("delays");
  if (delays == config.method_options.end() || !delays->second.starts_with(replay)) return {};
  return io::checksum_text(io::checksum_of_file(delays->second.substr(replay.size())));
}

}  // namespace

void resolve_method(Config& config) {
  method::Method const& method = method::find_method(config.method);
  resolve_optimizer(config, method);
  if (config.accumulate == 0) {
    config.accumulate = method::default_accumulate(method, config.stages);
  }
  config.method_options =
      method::OptionValues(method.name, method.options, config.method_options).all();
}

plan::Rules rules_of(Config const& config, std::int64_t microbatches_an_epoch) {
  return method::make_rules(
      method::find_method(config.method),
      {config.stages, config.microbatches, config.accumulate, microbatches_an_epoch, config.seed},
      config.method_options, io::read_delay_table);
}

bool can_become_longer(Config const& config, plan::Rules const& rules) {
  return config.decay == nn::Decay::constant && !rules.updates->rates_depend_on_length();
}

Resolved resolve(Config config, int ranks) {
  resolve_method(config);
  resolve_objective(config);
  refuse_without_effect(config);
  io::DataSource source = data_source(config);
  require_memory_for_data(config, source.shape());
  require_images(config, source.shape().image);
  HeldOut validation = held_out(config, source);
  std::int64_t const an_epoch = microbatches_an_epoch(config, validation.first);
  if (config.microbatches == 0) resolve_epochs(config, an_epoch);
  resolve_evaluated_rows(config, validation.first);
  plan::Rules rules = rules_of(config, an_epoch);
  require_same_or_longer(config, rules);
  require_arrival_order(config, rules);
  require_prediction(config, rules);
  require_pipelines(config);
  static_cast<void>(engine::Hosting(rules, config.averaging.pipelines, ranks, 0));
  nn::ModelSpec const model{.objective = config.objective,
                            .stages = config.stages,
                            .cut = cut_by_hand(config),
                            .recompute = config.recompute,
                            .rows = an_epoch * config.microbatch_size,
                            .evaluated_rows = config.evaluate_rows,
                            .held_out_first = validation.first,
                            .held_out_rows = config.evaluate_rows == 0
                                                 ? validation.rows
                                                 : std::min(validation.rows, config.evaluate_rows),
                            .features = source.shape().features,
                            .classes = source.classes(),
                            .labels_a_row = config.objective == "gpt" ? config.gpt.sequence : 1,
                            .hidden = config.hidden,
                            .activation = config.activation,
                            .gpt = config.gpt,
                            .model = config.model,
                            .width_factor = config.width_factor,
                            .depth = config.depth,
                            .l2 = config.l2,
                            .microbatch_size = config.microbatch_size,
                            .accumulate = config.accumulate,
                            .shuffle = config.shuffle,
                            .image = source.shape().image,
                            .augment = config.augment,
                            .seed = config.seed};
  nn::check_cut(model);
  return {std::move(config), std::move(source), std::move(validation.source), model,
          an_epoch,          std::move(rules)};
}

void describe(Config const& config, plan::Rules const& rules, io::RunInfo& info) {
  if (std::string checksum = delays_checksum(config); !checksum.empty())
    info.attributes["delays_checksum"] = std::move(checksum);
  info.attributes["config"] = config_text(config);
  info.attributes["config_hash"] = config_hash(config);
  info.attributes["cost"] = config.cost;
  plan::SteadyWindow const steady = plan::steady_window(rules);
  info.steady_first = steady.first;
  info.steady_end = steady.end;
}

template <class T>
std::vector<std::unique_ptr<nn::Block<T>>> make_blocks(Resolved const& resolved,
                                                       engine::Hosting const& hosting) {
  Part const columns = columns_of(resolved.model, hosting);
  Dataset<T> data = resolved.source.template load<T>(columns);
  if (resolved.held_out) append_rows(data, resolved.held_out->template load<T>(columns));
  std::vector<std::unique_ptr<nn::Block<T>>> blocks;
  for (engine::Seat const seat : hosting.seats()) {
    blocks.push_back(nn::make_block<T>(resolved.model, seat.stage, data, columns));
  }
  return blocks;
}

template std::vector<std::unique_ptr<nn::Block<float>>> make_blocks<float>(Resolved const&,
                                                                           engine::Hosting const&);
template std::vector<std::unique_ptr<nn::Block<double>>> make_blocks<double>(
    Resolved const&, engine::Hosting const&);
}  // namespace quartic::app
