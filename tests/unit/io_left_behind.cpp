#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/h5.hpp"

using namespace quartic;
using io::h5::File;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

/// A file with one group, as a writer that is killed now would leave it.
std::string bytes_left_behind(TemporaryFolder const& folder) {
  std::string const path = folder.file("whole.h5");
  File file = File::create(path);
  file.create_group(file.id(), "stage");
  file.check(H5Fstart_swmr_write(file.id()), "H5Fstart_swmr_write");
  file.flush();
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("what a writer left behind is opened whole, and not a byte shorter") {
  TemporaryFolder const folder;
  std::string const bytes = bytes_left_behind(folder);
  File const file = File::open_left_behind(folder.write("copy.h5", bytes));
  CHECK(file.names(file.id()) == std::vector<std::string>{"stage"});
  for (std::size_t const less : {1U, 16U}) {
    std::string const path = folder.write("short.h5", bytes.substr(0, bytes.size() - less));
    contains(message_of<Failure>([&] { File::open_left_behind(path); }), "short.h5: is truncated");
  }
}

// HDF5 would read this file again and again, as one that is still written, for longer than a test
// may take.
TEST_CASE("damage in what a writer left behind is a failure at once") {
  TemporaryFolder const folder;
  std::string bytes = bytes_left_behind(folder);
  std::size_t const group = bytes.rfind("OHDR");
  REQUIRE(group != std::string::npos);
  bytes.at(group + 6) ^= 1;
  File const file = File::open_left_behind(folder.write("damaged.h5", bytes));
  // HDF5 1.10 keeps the header it gives up; of new memory, so that lsan.supp knows it by its stack.
  H5garbage_collect();
  contains(message_of<Failure>([&] { file.open_group(file.id(), "stage"); }), "damaged.h5");
}
