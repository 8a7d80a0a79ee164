#include <unistd.h>

#include <csignal>
#include <numeric>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/h5_isolated.hpp"

using namespace quartic;
using io::h5::isolated;
using io::h5::isolated_bytes;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

template <class Error, class Work>
std::string error_of(std::string const& file, Work const& work) {
  return message_of<Error>([&] {
    isolated_bytes(file, [&]() -> std::string {
      work();
      return "";
    });
  });
}

}  // namespace

TEST_CASE("numbers come out of isolation as they are, and leave no trace in the process") {
  TemporaryFolder const folder;
  std::string const file = folder.write("file.h5", "bytes");
  int touched = 0;
  std::vector<double> many(100'000);  // more than a pipe holds
  std::iota(many.begin(), many.end(), 0.5);
  CHECK(isolated(file, [&] {
          ++touched;
          return many;
        }) == many);
  CHECK(isolated(file, [] { return std::vector<float>{}; }).empty());
  CHECK(isolated_bytes(file, [] { return std::string("a\0b", 3); }) == std::string("a\0b", 3));
  CHECK(touched == 0);
}

TEST_CASE("errors come out of isolation as they are") {
  TemporaryFolder const folder;
  std::string const file = folder.write("file.h5", "bytes");
  CHECK(error_of<UsageError>(file, [] { usage_error("row 3 is odd"); }) == "row 3 is odd");
  CHECK(error_of<Failure>(file, [] { failure("H5Dread failed"); }) == "H5Dread failed");
  CHECK(error_of<Failure>(file, [] { throw std::bad_alloc(); }) == "std::bad_alloc");
}

TEST_CASE("a file that ends the process which reads it is damaged, and that process another one") {
  TemporaryFolder const folder;
  std::string const file = folder.write("file.h5", "bytes");
  std::string const crash = error_of<UsageError>(file, [] { std::raise(SIGSEGV); });
  contains(crash, "file.h5: is damaged");
  contains(crash, "crashes reading it (Segmentation fault)");
  bool volatile forever = true;
  std::string const endless = error_of<UsageError>(file, [&] {
    while (forever) {
    }
  });
  contains(endless, "does not finish");
  contains(error_of<Failure>(file, [] { ::_exit(3); }), "file.h5: the process that reads it");
}

TEST_CASE(
    "a signal that asks the run to stop, or ends the process, does not make the file damaged") {
  TemporaryFolder const folder;
  std::string const file = folder.write("file.h5", "bytes");
  for (int const signal : {SIGUSR1, SIGTERM})
    CHECK(error_of<Failure>(file, [&] { std::raise(signal), failure("it goes on"); }) ==
          "it goes on");
  contains(error_of<Failure>(file, [] { std::raise(SIGKILL); }), "killed by a signal (Killed)");
}
