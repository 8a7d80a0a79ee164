#include <zlib.h>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/data.hpp"

using namespace quartic;
using io::DataSource;
using io::Targets;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

std::string idx(std::vector<std::uint32_t> const& dimensions, std::string const& items) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(dimensions.size())};
  for (std::uint32_t const dimension : dimensions) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(dimension >> shift & 255);
    }
  }
  return bytes + items;
}

// Three images of 2 x 2 pixels.
std::string const images =
    idx({3, 2, 2}, std::string("\x00\x33\x66\x99\xcc\xff\x01\x02\x03\x04\x05\x06", 12));
std::string const labels = idx({3}, std::string("\x02\x00\x01", 3));

std::string write_both(TemporaryFolder const& folder, std::string const& image_bytes,
                       std::string const& label_bytes) {
  folder.write("t-labels-idx1-ubyte", label_bytes);
  return folder.write("t-images-idx3-ubyte", image_bytes);
}

std::string refusal(std::string const& image_bytes, std::string const& label_bytes,
                    Targets targets = Targets::classes) {
  TemporaryFolder const folder;
  std::string const path = write_both(folder, image_bytes, label_bytes);
  return message_of<UsageError>([&] { DataSource(path, targets); });
}

}  // namespace

TEST_CASE("IDX images are rows of pixels between 0 and 1, with the labels beside them") {
  TemporaryFolder const folder;
  DataSource const source(write_both(folder, images, labels), Targets::classes);
  CHECK(source.shape().rows == 3);
  CHECK(source.shape().features == 4);
  ImageShape const image = source.shape().image;
  CHECK((image.channels == 1 && image.height == 2 && image.width == 2));
  CHECK(source.classes() == 3);
  auto const data = source.load<double>({0, 4});
  auto const& features = std::get<DenseFeatures<double>>(data.features);
  REQUIRE(features.values.size() == 12);
  CHECK(features.values[1] == doctest::Approx(0.2));
  CHECK(features.values[3] == doctest::Approx(0.6));
  CHECK(features.values[5] == 1);
  CHECK(data.targets == std::vector<double>{2, 0, 1});
  auto const part = source.load<float>({1, 2});
  CHECK(std::get<DenseFeatures<float>>(part.features).values ==
        std::vector<float>{51.0F / 255, 102.0F / 255, 1, 1.0F / 255, 4.0F / 255, 5.0F / 255});
}

TEST_CASE("IDX files may be packed, each for itself") {
  TemporaryFolder const folder;
  std::string const path = folder.file("t-images-idx3-ubyte.gz");
  gzFile const file = gzopen(path.c_str(), "wb");
  gzwrite(file, images.data(), static_cast<unsigned>(images.size()));
  gzclose(file);
  folder.write("t-labels-idx1-ubyte", labels);
  DataSource const source(path, Targets::classes);
  CHECK(source.load<float>({0, 4}).targets == std::vector<float>{2, 0, 1});
}

TEST_CASE("the checksum covers images and labels") {
  TemporaryFolder const folder;
  std::string const path = write_both(folder, images, labels);
  std::string const before = DataSource(path, Targets::classes).shape().checksum;
  write_both(folder, images, idx({3}, std::string("\x02\x01\x01", 3)));
  CHECK(DataSource(path, Targets::classes).shape().checksum != before);
}

TEST_CASE("missing labels are refused with the names that were looked for") {
  TemporaryFolder const folder;
  std::string const path = folder.write("t-images-idx3-ubyte", images);
  std::string const message = message_of<UsageError>([&] { DataSource(path, Targets::classes); });
  contains(message, folder.file("t-labels-idx1-ubyte"));
  contains(message, folder.file("t-labels-idx1-ubyte.gz"));
  std::string const other = folder.write("pictures", images);
  contains(message_of<UsageError>([&] { DataSource(other, Targets::classes); }), "images-idx3");
}

TEST_CASE("broken IDX files are refused with counts") {
  contains(refusal(images.substr(0, 20), labels), "3 items of 4 bytes, but 4 bytes follow");
  contains(refusal(images + "x", labels), "3 items of 4 bytes, but 13 bytes follow");
  contains(refusal(images.substr(0, 10), labels), "its header needs 16 bytes, but the file has 10");
  contains(
      refusal(idx({4'000'000'000U, 4'000'000'000U, 4'000'000'000U, 4'000'000'000U}, "xy"), labels),
      "is truncated");
  contains(refusal(idx({0, 2, 2}, ""), labels), "has no items");
  contains(refusal(images, labels.substr(0, 9)), "t-labels-idx1-ubyte: is truncated");
  contains(refusal(images, idx({2}, "\x01\x01")), "has 2 labels, but there are 3 images");
  contains(refusal(images, idx({3, 1}, "\x01\x01\x01")), "has 2 dimensions; labels must have 1");
  contains(refusal(images, "12345678"), "t-labels-idx1-ubyte: is not an IDX file");
  contains(refusal(labels, labels), "holds labels");
  std::string floats = images;
  floats[2] = '\x0d';
  contains(refusal(floats, labels), "byte 2, the type, is 13");
}

TEST_CASE("IDX labels are checked against what they mean") {
  contains(refusal(images, labels, Targets::binary), "item 0, counted from 0: label 2");
}
