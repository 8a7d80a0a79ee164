#include "quartic/app/parameters.hpp"

#include <fmt/ranges.h>

#include <cstdint>
#include <sstream>

#include "quartic/core/check.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/parameters.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::app {
namespace {

io::ParameterSlice slice_of(nn::Parameter const& parameter) {
  io::Shape const shape = parameter.whole == 0 ? parameter.shape : io::Shape{parameter.whole};
  return {parameter.name, shape, parameter.first, nn::element_count(parameter)};
}

/// The numbers of one parameter in its stage's block.
template <class U>
std::span<U> part_of(nn::Parameter const& parameter, std::span<U> block) {
  return block.subspan(static_cast<std::size_t>(parameter.offset),
                       static_cast<std::size_t>(nn::element_count(parameter)));
}

/// One line a parameter: its name, the number of its dimensions, their lengths.
std::string text_of(HostedParameters const& hosted) {
  std::string text;
  for (auto const& parameters : hosted) {
    for (nn::Parameter const& parameter : parameters) {
      io::Shape const shape = slice_of(parameter).shape;
      text += fmt::format("{} {} {}\n", parameter.name, shape.size(), fmt::join(shape, " "));
    }
  }
  return text;
}

/// Of the whole model. Slices of a vector, and the stages of other pipelines, say the same again.
io::ParameterShapes shapes_of(std::vector<std::string> const& texts) {
  io::ParameterShapes shapes;
  for (std::string const& text : texts) {
    std::istringstream words(text);
    std::string name;
    std::size_t dimensions = 0;
    while (words >> name >> dimensions) {
      io::Shape shape(dimensions);
      for (std::int64_t& length : shape) words >> length;
      shapes[name] = std::move(shape);
    }
  }
  return shapes;
}

template <class T>
std::vector<T> read_block(io::ParameterReader const& file,
                          std::vector<nn::Parameter> const& parameters) {
  std::int64_t size = 0;
  for (nn::Parameter const& parameter : parameters) size += nn::element_count(parameter);
  std::vector<T> block(static_cast<std::size_t>(size));
  for (nn::Parameter const& parameter : parameters) {
    file.read(slice_of(parameter), part_of(parameter, std::span<T>(block)));
  }
  return block;
}

template <class T>
void append(io::ParameterWriter& file, HostedParameters const& hosted,
            std::vector<std::span<T const>> const& blocks) {
  for (std::size_t place = 0; place < blocks.size(); ++place) {
    for (nn::Parameter const& parameter : hosted[place]) {
      file.write(slice_of(parameter), part_of(parameter, blocks[place]));
    }
  }
}

}  // namespace

template <class T>
StartWeights<T> read_parameters(comm::Communicator& communicator, std::string const& file,
                                HostedParameters const& hosted) {
  auto const model = shapes_of(communicator.gather(text_of(hosted)));
  StartWeights<T> start;
  comm::agree(communicator, [&] {
    io::ParameterReader const reader(file);
    reader.require(model);
    for (auto const& parameters : hosted) start.blocks.push_back(read_block<T>(reader, parameters));
    start.checksum = reader.checksum();
  });
  comm::require_equal(communicator, file, start.checksum);
  return start;
}

template <class T>
void write_parameters(comm::Communicator& communicator, std::filesystem::path const& folder,
                      ParametersOf const& run, HostedParameters const& hosted,
                      std::vector<std::span<T const>> const& blocks) {
  std::filesystem::path const unfinished = folder / unfinished_parameters_file;
  comm::agree(communicator, [&] {  // a run that was killed here, and goes on, has left its own
    if (communicator.rank() == 0) std::filesystem::remove(unfinished);
  });
  for (int turn = 0; turn < communicator.size(); ++turn) {
    comm::agree(communicator, [&] {
      if (communicator.rank() != turn || blocks.empty()) return;
      io::ParameterWriter file(unfinished);
      append(file, hosted, blocks);
      file.describe("method", run.method);
      file.describe("microbatches", run.microbatches);
      file.describe("config_hash", run.config_hash);
      file.close();
    });
  }
  comm::agree(communicator, [&] {
    if (communicator.rank() == 0) io::put_in_place(unfinished, folder / parameters_file);
  });
}

template StartWeights<float> read_parameters<float>(comm::Communicator&, std::string const&,
                                                    HostedParameters const&);
template StartWeights<double> read_parameters<double>(comm::Communicator&, std::string const&,
                                                      HostedParameters const&);
template void write_parameters(comm::Communicator&, std::filesystem::path const&,
                               ParametersOf const&, HostedParameters const&,
                               std::vector<std::span<float const>> const&);
template void write_parameters(comm::Communicator&, std::filesystem::path const&,
                               ParametersOf const&, HostedParameters const&,
                               std::vector<std::span<double const>> const&);

}  // namespace quartic::app
