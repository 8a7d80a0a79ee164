#include "quartic/io/delays.hpp"

#include "quartic/io/h5_numbers.hpp"

namespace quartic::io {
namespace {

constexpr char const* valid =
    "valid are integer datasets /stage [K], /microbatch [K] and /delays [K, stages]";

void read(h5::File const& file, hid_t dataset, std::vector<std::int64_t>& values,
          std::size_t count) {
  values.resize(count);
  file.check(H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
             "H5Dread");
}

}  // namespace

DelayTable read_delay_table(std::string const& path) {
  return h5::reading([&] {
    h5::File const file = h5::File::open(path, H5F_ACC_RDONLY);
    auto const open = [&](char const* name) {
      return h5::open_numbers(file, name, h5::Numbers::integers, valid);
    };
    DelayTable table;
    h5::Handle const delays = open("delays");
    auto const [iterations, stages] = h5::shape_of<2>(file, "delays", delays.id(), valid);
    h5::check_size(file, "delays", iterations, stages);
    for (auto const& [name, values] :
         {std::pair{"stage", &table.stage}, std::pair{"microbatch", &table.microbatch}}) {
      h5::Handle const dataset = open(name);
      auto const [length] = h5::shape_of<1>(file, name, dataset.id(), valid);
      if (length != iterations) {
        usage_error("{}: /{} has {} iterations and /delays has {}; {}", path, name, length,
                    iterations, valid);
      }
      read(file, dataset.id(), *values, iterations);
    }
    read(file, delays.id(), table.delays, iterations * stages);
    table.stages = static_cast<int>(stages);
    return table;
  });
}

}  // namespace quartic::io
