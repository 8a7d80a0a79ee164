#include "quartic/io/delays.hpp"

#include "quartic/io/h5_isolated.hpp"
#include "quartic/io/h5_numbers.hpp"

namespace quartic::io {
namespace {

constexpr char const* valid =
    "valid: integer datasets /stage [K], /microbatch [K] and /delays [K, stages]";

// Appends all numbers of a dataset.
void append(h5::File const& file, hid_t dataset, std::size_t count,
            std::vector<std::int64_t>& numbers) {
  std::size_t const before = numbers.size();
  numbers.resize(before + count);
  file.check(
      H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data() + before),
      "H5Dread");
}

// K, the stages, then /stage, /microbatch and /delays.
std::vector<std::int64_t> read_numbers(std::string const& path) {
  h5::File const file = h5::File::open(path, H5F_ACC_RDONLY);
  auto const open = [&](char const* name) {
    return h5::open_numbers(file, name, h5::Numbers::integers, valid);
  };
  h5::Handle const delays = open("delays");
  auto const [iterations, stages] = h5::shape_of<2>(file, "delays", delays.id(), valid);
  h5::check_size(file, "delays", iterations, stages);
  std::vector<std::int64_t> numbers{static_cast<std::int64_t>(iterations),
                                    static_cast<std::int64_t>(stages)};
  for (char const* name : {"stage", "microbatch"}) {
    h5::Handle const dataset = open(name);
    auto const [length] = h5::shape_of<1>(file, name, dataset.id(), valid);
    if (length != iterations) {
      usage_error("{}: /{} has {} iterations, but /delays has {}; {}", path, name, length,
                  iterations, valid);
    }
    append(file, dataset.id(), iterations, numbers);
  }
  append(file, delays.id(), iterations * stages, numbers);
  return numbers;
}

}  // namespace

DelayTable read_delay_table(std::string const& path) {
  std::vector<std::int64_t> const numbers =
      h5::reading([&] { return h5::isolated(path, [&] { return read_numbers(path); }); });
  auto const stage = numbers.begin() + 2;
  auto const microbatch = stage + numbers[0];
  auto const delays = microbatch + numbers[0];
  DelayTable table;
  table.stages = static_cast<int>(numbers[1]);
  table.stage.assign(stage, microbatch);
  table.microbatch.assign(microbatch, delays);
  table.delays.assign(delays, numbers.end());
  return table;
}

}  // namespace quartic::io
