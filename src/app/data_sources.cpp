#include "data_sources.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::app {
namespace {

io::Targets targets_of(Config const& config) {
  if (config.objective == "logistic") return io::Targets::binary;
  if (config.objective == "gpt") return io::Targets::tokens;
  if (is_network(config)) return io::Targets::classes;
  return io::Targets::real;
}

std::string image_text(ImageShape const& image) {
  if (image.channels == 0) return "no images";
  return fmt::format("images of {} x {} x {}", image.channels, image.height, image.width);
}

/// Numbers mean the same in both.
void require_same_kind(Config const& config, io::DataSource const& training,
                       io::DataSource const& held_out) {
  auto const differ = [&](std::string const& here, std::string const& there) {
    usage_error(
        "--validation {}: has {}, but the training data has {}; both must be of the same kind",
        config.validation, here, there);
  };
  std::string const& here = held_out.facts().kind;
  std::string const& there = training.facts().kind;
  if (here != there) differ(here, there);
  std::string const image = image_text(held_out.shape().image);
  std::string const trained = image_text(training.shape().image);
  if (image != trained) differ(image, trained);
}

/// A file of held-out rows: what it may hold is what the training data has.
io::DataSource held_out_source(Config const& config, io::DataSource const& training) {
  io::DataSource source(config.validation, targets_of(config),
                        {config.rows, training.shape().features, training.classes(),
                         config.gpt.sequence, 0, training.vocabulary()},
                        config.files, training.facts().labels);
  require_same_kind(config, training, source);
  DataShape const& shape = source.shape();
  std::int64_t const features = training.shape().features;
  bool const narrower = shape.sparse && shape.features < features;
  if (shape.features != features && !narrower) {
    usage_error("--validation {}: has {} features, but the training data has {}", config.validation,
                shape.features, features);
  }
  if (source.classes() > training.classes()) {
    bool const tokens = training.facts().tokens > 0;
    usage_error("--validation {}: has {} {}, but the training data has only {}", config.validation,
                source.classes(), tokens ? "different tokens" : "classes", training.classes());
  }
  return source;
}

/// How many of the rows are held out, where --validation is a fraction.
std::optional<std::int64_t> held_out_part(Config const& config, std::int64_t rows) {
  double fraction = 0;
  char const* const end = config.validation.data() + config.validation.size();
  auto const [stop, error] = std::from_chars(config.validation.data(), end, fraction);
  if (error != std::errc{} || stop != end) return {};
  bool const inside = fraction > 0 && fraction < 1;
  auto const part = inside ? std::llround(fraction * static_cast<double>(rows)) : 0;
  if (part < 1 || part >= rows) {
    usage_error(
        "--validation {}: a fraction must leave at least one of the {} rows for training and one "
        "for validation",
        config.validation, rows);
  }
  return part;
}

}  // namespace

bool is_network(Config const& config) {
  return config.objective == "mlp" || config.objective == "conv" || config.objective == "gpt";
}

io::DataSource data_source(Config const& config) {
  return {config.data,
          targets_of(config),
          {config.rows, config.features, config.classes, config.gpt.sequence, config.vocabulary},
          config.files};
}

HeldOut held_out(Config const& config, io::DataSource const& training) {
  std::int64_t const rows = training.shape().rows;
  if (config.validation.empty()) return {{}, rows, 0};
  if (config.validation.starts_with("generate:")) {
    usage_error("--validation {}: would repeat the training rows; give a fraction to hold out",
                config.validation);
  }
  if (auto const part = held_out_part(config, rows)) return {{}, rows - *part, *part};
  io::DataSource source = held_out_source(config, training);
  std::int64_t const more = source.shape().rows;
  return {std::move(source), rows, more};
}

}  // namespace quartic::app
