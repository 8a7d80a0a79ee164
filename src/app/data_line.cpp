#include "data_line.hpp"

#include <fmt/ranges.h>

#include <vector>

#include "quartic/core/figures.hpp"

namespace quartic::app {
namespace {

std::string rows_of(DataShape const& shape) {
  ImageShape const image = shape.image;
  std::string const row =
      image.channels > 0 ? fmt::format("{} x {} x {}", image.channels, image.height, image.width)
                         : fmt::format("{}", shape.features);
  return fmt::format("{} rows of {}", grouped(shape.rows), row);
}

/// What the targets are, as "10 classes"; empty for real numbers.
std::string targets_of(io::DataSource const& source) {
  io::DataFacts const& facts = source.facts();
  if (!source.vocabulary().empty()) return fmt::format("{} distinct", source.vocabulary().size());
  if (facts.tokens > 0) return fmt::format("vocabulary {}", grouped(source.classes()));
  if (source.classes() == 0) return "";
  std::string const labels =
      facts.labels.empty() ? "" : fmt::format(" (labels {})", fmt::join(facts.labels, ", "));
  return fmt::format("{} classes{}", source.classes(), labels);
}

std::string description(io::DataSource const& source) {
  io::DataFacts const& facts = source.facts();
  std::vector<std::string> said{facts.format};
  if (facts.bytes > 0) said.push_back(fmt::format("{} bytes", grouped(facts.bytes)));
  if (facts.tokens > 0 && source.vocabulary().empty())
    said.push_back(fmt::format("{} tokens", grouped(facts.tokens)));
  if (std::string const targets = targets_of(source); !targets.empty()) said.push_back(targets);
  said.push_back(rows_of(source.shape()));
  return fmt::format("{}", fmt::join(said, ", "));
}

std::int64_t validation_rows(Resolved const& resolved) {
  if (resolved.held_out) return resolved.held_out->shape().rows;
  return resolved.source.shape().rows - resolved.model.held_out_first;
}

std::string validation_of(Resolved const& resolved) {
  if (resolved.held_out) return fmt::format("; validation: {}", description(*resolved.held_out));
  if (resolved.config.validation.empty()) return "";
  return fmt::format("; validation: the last {:g} %, {} rows",
                     100 * std::stod(resolved.config.validation),
                     grouped(validation_rows(resolved)));
}

std::int64_t rows_left_out(Resolved const& resolved) {
  return resolved.model.held_out_first - resolved.model.rows;
}

std::string left_out(Resolved const& resolved) {
  std::int64_t const rows = rows_left_out(resolved);
  if (rows == 0) return "";
  return fmt::format("; left out: {} {} no microbatch", grouped(rows),
                     rows == 1 ? "row, which fills" : "rows, which fill");
}

}  // namespace

std::string data_line(Resolved const& resolved) {
  return fmt::format("data: {}{}{}", description(resolved.source), validation_of(resolved),
                     left_out(resolved));
}

std::map<std::string, std::string> data_attributes(Resolved const& resolved) {
  io::DataSource const& source = resolved.source;
  io::DataFacts const& facts = source.facts();
  auto const number = [](std::int64_t count) { return fmt::format("{}", count); };
  std::map<std::string, std::string> all{
      {"data_format", facts.format},
      {"data_bytes", number(facts.bytes)},
      {"data_rows", number(source.shape().rows)},
      {"data_features", number(source.shape().features)},
      {"data_rows_left_out", number(rows_left_out(resolved))},
      {"validation_rows", number(validation_rows(resolved))},
      {facts.tokens > 0 ? "data_vocabulary" : "data_classes", number(source.classes())}};
  if (facts.tokens > 0) all["data_tokens"] = number(facts.tokens);
  if (!facts.labels.empty()) all["data_labels"] = fmt::format("{}", fmt::join(facts.labels, ", "));
  if (resolved.held_out) {
    all["validation_format"] = resolved.held_out->facts().format;
    all["validation_bytes"] = number(resolved.held_out->facts().bytes);
  }
  return all;
}

}  // namespace quartic::app
