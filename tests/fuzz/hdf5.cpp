// --init and --delays replay:FILE.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fuzz/target.hpp"
#include "quartic/io/delays.hpp"
#include "quartic/io/parameters.hpp"

namespace quartic::fuzz {
namespace {

// Reads parameters as a run does: a file is read only if it has the model's parameters.
std::string read_parameters(std::string const& bytes) {
  io::ParameterShapes const model{{"layer.weight", {6, 4}}, {"layer.bias", {6}}};
  io::ParameterReader const file(place("parameters.h5", bytes));
  file.require(model);
  std::vector<double> weight(24);
  std::vector<float> bias(4);
  file.read<double>({"layer.weight", {6, 4}, 0, 24}, weight);
  file.read<float>({"layer.bias", {6}, 1, 4}, bias);
  refuse_hole(weight);
  refuse_hole(bias);
  return fmt::format("{} {}", weight, bias);
}

// What an optimizer's file has besides its arrays.
std::string read_attributes(std::string const& bytes) {
  io::ParameterReader const file(place("optimizer.h5", bytes));
  return fmt::format("{} {}", file.text("optimizer"), file.counts("steps"));
}

std::string read_delays(std::string const& bytes) {
  DelayTable const table = io::read_delay_table(place("delays.h5", bytes));
  for (auto const& values : {table.stage, table.microbatch, table.delays}) refuse_hole(values);
  return fmt::format("{} {} {} {}", table.stages, table.stage, table.microbatch, table.delays);
}

Registration const parameters{{"hdf5_parameters", read_parameters}};
Registration const optimizer{{"hdf5_optimizer", read_attributes}};
Registration const delays{{"hdf5_delays", read_delays}};

}  // namespace
}  // namespace quartic::fuzz
