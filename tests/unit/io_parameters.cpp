#include <limits>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/parameters.hpp"

using namespace quartic;
using io::ParameterReader;
using io::ParameterSlice;
using io::ParameterWriter;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

ParameterSlice const matrix{"h.0.weight", {2, 3}, 0, 6};
ParameterSlice const head{"weight", {5}, 0, 2};
ParameterSlice const tail{"weight", {5}, 2, 3};

template <class T>
void write(std::string const& path, ParameterSlice const& slice, std::vector<T> const& values) {
  ParameterWriter file(path);
  file.write<T>(slice, values);
  file.close();
}

template <class T>
std::vector<T> read(std::string const& path, ParameterSlice const& slice) {
  std::vector<T> values(static_cast<std::size_t>(slice.size));
  ParameterReader(path).read<T>(slice, values);
  return values;
}

}  // namespace

TEST_CASE("parameters come back bit by bit, in either precision, whoever appended them") {
  TemporaryFolder const folder;
  std::string const path = folder.file("p.h5");
  write<double>(path, matrix, {0.1, 2, 3, 4, 5, -1e-300});
  write<float>(path, tail, {3, 4, 5});
  write<float>(path, head, {1, 0.1F});
  CHECK(ParameterReader(path).shapes() ==
        io::ParameterShapes{{"h.0.weight", {2, 3}}, {"weight", {5}}});
  CHECK(read<double>(path, matrix) == std::vector<double>{0.1, 2, 3, 4, 5, -1e-300});
  CHECK(read<float>(path, matrix) == std::vector<float>{0.1F, 2, 3, 4, 5, -0.0F});
  CHECK(read<float>(path, {"weight", {5}, 0, 5}) == std::vector<float>{1, 0.1F, 3, 4, 5});
  CHECK(read<double>(path, {"weight", {5}, 1, 2}) == std::vector<double>{0.1F, 3});
}

TEST_CASE("a file of parameters that does not fit its model says what differs") {
  TemporaryFolder const folder;
  std::string const path = folder.file("p.h5");
  write<float>(path, matrix, std::vector<float>(6));
  write<float>(path, head, {1, 2});
  ParameterReader const file(path);
  file.require({{"h.0.weight", {2, 3}}, {"weight", {5}}});
  auto const refusal = [&](io::ParameterShapes const& model) {
    return message_of<UsageError>([&] { file.require(model); });
  };
  contains(refusal({{"h.0.weight", {2, 3}}}), "not in the model: weight");
  contains(refusal({{"h.0.weight", {3, 2}}, {"weight", {5}}}),
           "wrong shape: h.0.weight [2, 3] instead of [3, 2]");
  io::ParameterShapes larger{{"h.0.weight", {2, 3}}};
  for (char const name : std::string("abcdef")) larger[{name}] = {1};
  std::string const all = refusal(larger);
  contains(all, path);
  contains(all, "missing: a, b, c and 3 more");
  contains(all, "not in the model: weight");
}

TEST_CASE("numbers that are not finite are refused where they are, in the precision asked for") {
  TemporaryFolder const folder;
  std::string const path = folder.file("p.h5");
  write<double>(path, matrix, {0, 0, 0, 0, 1e300, 0});
  write<double>(path, tail, {0, std::numeric_limits<double>::quiet_NaN(), 0});
  CHECK(read<double>(path, matrix)[4] == 1e300);
  contains(message_of<UsageError>([&] { read<float>(path, matrix); }), "/h.0.weight element 4");
  std::string const message = message_of<UsageError>([&] { read<double>(path, tail); });
  contains(message, path);
  contains(message, "/weight element 3");
}

TEST_CASE("what is no file of parameters is refused; PyTorch's counters are passed over") {
  TemporaryFolder const folder;
  auto const refusal = [&](std::string const& path) {
    std::string const message = message_of<UsageError>([&] { ParameterReader const file(path); });
    contains(message, path);
    return message;
  };
  contains(refusal(folder.file("nowhere.h5")), "No such file");
  contains(refusal(folder.path().string()), "not a regular file");
  refusal(folder.write("empty.h5", ""));
  refusal(folder.write("text.h5", "weight 1 2 3\n"));
  std::string const path = folder.file("p.h5");
  write<float>(path, {"bn1.num_batches_tracked", {1}, 0, 1}, {7});
  CHECK(ParameterReader(path).shapes().empty());
  {
    io::h5::File const file = io::h5::File::open(path, H5F_ACC_RDWR);
    file.create_group(file.id(), "transformer");
  }
  contains(refusal(path), "/transformer cannot be opened as a dataset");
}

TEST_CASE("a count of every dataset comes back, of slices the least; what counts nothing is told") {
  TemporaryFolder const folder;
  std::string const path = folder.file("p.h5");
  write<float>(path, matrix, std::vector<float>(6));
  write<float>(path, head, {1, 2});
  contains(message_of<UsageError>([&] { ParameterReader(path).counts("steps"); }),
           path + ": /h.0.weight has no attribute steps");
  {
    ParameterWriter file(path);
    file.describe(matrix, "steps", 7);
    file.describe(tail, "steps", 5);
    file.describe(head, "steps", 6);
    file.describe("optimizer", "adamw");
    file.describe("microbatches", 3);
    file.close();
  }
  ParameterReader const file(path);
  CHECK(file.counts("steps") ==
        std::map<std::string, std::int64_t>{{"h.0.weight", 7}, {"weight", 5}});
  CHECK(file.text("optimizer") == "adamw");
  contains(message_of<UsageError>([&] { static_cast<void>(file.text("microbatches")); }),
           "microbatches of the file is not a single string");
}
