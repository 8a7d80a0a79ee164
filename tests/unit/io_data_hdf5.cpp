#include <cmath>
#include <limits>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/data.hpp"
#include "quartic/io/h5.hpp"

using namespace quartic;
using io::DataSource;
using io::Targets;
using io::h5::File;
using io::h5::Handle;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

// Values stored as `stored`, in chunks if `chunk` is not empty.
void add(File const& file, char const* name, std::vector<hsize_t> const& shape,
         std::vector<double> const& values, hid_t stored = H5T_IEEE_F64LE,
         std::vector<hsize_t> const& chunk = {}) {
  Handle const space{H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                     H5Sclose};
  Handle const properties{H5Pcreate(H5P_DATASET_CREATE), H5Pclose};
  if (!chunk.empty()) {
    H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data());
    H5Pset_deflate(properties.id(), 1);
  }
  Handle const dataset{
      H5Dcreate2(file.id(), name, stored, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
      H5Dclose};
  REQUIRE(dataset.id() >= 0);
  if (values.empty()) return;
  REQUIRE(H5Dwrite(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >=
          0);
}

std::vector<double> const x{1, 2, 3, 4, 5, 6};  // 2 rows of 3 features
std::vector<double> const y{0, 1};

template <class Fill>
std::string refusal(Fill&& fill, Targets targets = Targets::real) {
  TemporaryFolder const folder;
  {
    File const file = File::create(folder.file("data.h5"));
    fill(file);
  }
  std::string const message = message_of<UsageError>([&] {
    DataSource const source(folder.file("data.h5"), targets);
    source.load<float>({0, source.shape().features});
  });
  contains(message, folder.file("data.h5"));
  return message;
}

}  // namespace

TEST_CASE("HDF5 columns arrive from any numeric type and layout") {
  for (hid_t const stored :
       {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I16LE, H5T_STD_U8LE}) {
    for (std::vector<hsize_t> const& chunk : {std::vector<hsize_t>{}, std::vector<hsize_t>{1, 2}}) {
      TemporaryFolder const folder;
      {
        File const file = File::create(folder.file("data.h5"));
        add(file, "X", {2, 3}, x, stored, chunk);
        add(file, "y", {2}, y, stored);
      }
      DataSource const source(folder.file("data.h5"), Targets::binary);
      CHECK(source.shape().rows == 2);
      CHECK(source.shape().features == 3);
      auto const all = source.load<double>({0, 3});
      CHECK(std::get<DenseFeatures<double>>(all.features).values == x);
      CHECK(all.targets == y);
      auto const part = source.load<float>({1, 2});
      CHECK(std::get<DenseFeatures<float>>(part.features).values == std::vector<float>{2, 3, 5, 6});
      CHECK(std::get<DenseFeatures<float>>(part.features).columns == 2);
    }
  }
}

TEST_CASE("HDF5 files of the wrong shape are refused") {
  contains(refusal([](File const& f) { add(f, "y", {2}, y); }), "has no /X");
  contains(refusal([](File const& f) { add(f, "X", {2, 3}, x); }), "has no /y");
  contains(refusal([](File const& f) { f.create_group(f.id(), "X"); }), "/X cannot be opened");
  contains(refusal([](File const& f) { add(f, "X", {6}, x); }), "/X has 1 dimensions, not 2");
  contains(refusal([](File const& f) { add(f, "X", {0, 3}, {}); }), "/X is empty");
  contains(refusal([](File const& f) {
             add(f, "X", {2, 3}, x);
             add(f, "y", {2, 2}, {1, 2, 3, 4});
           }),
           "/y has 2 dimensions, not 1");
  contains(refusal([](File const& f) {
             add(f, "X", {2, 3}, x);
             add(f, "y", {3}, {1, 2, 3});
           }),
           "/y has 3 targets, but there are 2 rows");
  contains(refusal([](File const& f) {
             add(f, "X", {2, 3}, {}, H5T_C_S1);
           }),
           "/X does not hold numbers");
}

TEST_CASE("an HDF5 header that announces more than the file can hold allocates nothing") {
  contains(refusal([](File const& f) {
             add(f, "X", {hsize_t{1} << 40, hsize_t{1} << 20}, {}, H5T_IEEE_F64LE, {1024, 1024});
           }),
           "cannot hold");
}

TEST_CASE("numbers that are not finite are refused with their place") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  contains(refusal([&](File const& f) {
             add(f, "X", {2, 3}, {1, 2, 3, 4, nan, 6});
             add(f, "y", {2}, y);
           }),
           "/X row 1, column 1, counted from 0, is nan");
  contains(refusal([&](File const& f) {
             add(f, "X", {2, 3}, {1, 2, 1e300, 4, 5, 6});
             add(f, "y", {2}, y);
           }),
           "/X row 0, column 2, counted from 0, is inf as float");
  contains(refusal([&](File const& f) {
             add(f, "X", {2, 3}, x);
             add(f, "y", {2}, {0, nan});
           }),
           "/y row 1, counted from 0: target nan");
}

TEST_CASE("HDF5 labels are checked against what they mean") {
  auto const fill = [](File const& f) {
    add(f, "X", {2, 3}, x);
    add(f, "y", {2}, {0, 3});
  };
  contains(refusal(fill, Targets::binary), "/y row 1, counted from 0: label 3");
  TemporaryFolder const folder;
  {
    File const file = File::create(folder.file("data.h5"));
    fill(file);
  }
  CHECK(DataSource(folder.file("data.h5"), Targets::classes).classes() == 4);
}

TEST_CASE("truncated and damaged HDF5 files are refused by name") {
  TemporaryFolder const folder;
  {
    File const file = File::create(folder.file("data.h5"));
    add(file, "X", {2, 3}, x);
    add(file, "y", {2}, y);
  }
  std::filesystem::resize_file(folder.file("data.h5"), 300);
  std::string const message =
      message_of<UsageError>([&] { DataSource(folder.file("data.h5"), Targets::real); });
  contains(message, "truncated");
  CHECK(message.find("LOCKING") == std::string::npos);
  std::string const only_signature = folder.write("short.h5", "\x89HDF\r\n\x1a\n");
  contains(message_of<UsageError>([&] { DataSource(only_signature, Targets::real); }), "short.h5");
}
