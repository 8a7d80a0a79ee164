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

// Labels and 3072 pixels, of which the first of each channel are told.
std::string image(std::string const& labels, int red = 0, int green = 0, int blue = 0) {
  std::string bytes = labels + std::string(3072, '\0');
  bytes[labels.size()] = static_cast<char>(red);
  bytes[labels.size() + 1024] = static_cast<char>(green);
  bytes[labels.size() + 2048] = static_cast<char>(blue);
  return bytes;
}

std::string const zero(1, '\0');

std::string refusal(std::string const& path, Targets targets = Targets::classes) {
  return message_of<UsageError>([&] { DataSource(path, targets); });
}

std::string refusal_of(std::string const& bytes, Targets targets = Targets::classes) {
  TemporaryFolder const folder;
  return refusal(folder.write("images", bytes), targets);
}

void write_ten(TemporaryFolder const& folder) {
  for (int i = 1; i <= 5; ++i) {
    folder.write(fmt::format("data_batch_{}.bin", i), image({static_cast<char>(i)}, 51 * i));
  }
}

void same_shape(ImageShape image, ImageShape expected) {
  CHECK(image.channels == expected.channels);
  CHECK(image.height == expected.height);
  CHECK(image.width == expected.width);
}

}  // namespace

TEST_CASE("CIFAR-10 is rows of three planes between 0 and 1, each after its label") {
  TemporaryFolder const folder;
  std::string const path =
      folder.write("test_batch.bin", image("\x09", 51, 102, 153) + image(zero, 255));
  DataSource const source(path, Targets::classes);
  CHECK(source.shape().rows == 2);
  CHECK(source.shape().features == 3072);
  same_shape(source.shape().image, {3, 32, 32});
  CHECK(source.classes() == 10);
  auto const data = source.load<double>({0, 3072});
  auto const& x = std::get<DenseFeatures<double>>(data.features).values;
  REQUIRE(x.size() == 6144);
  CHECK(x[0] == doctest::Approx(0.2));
  CHECK(x[1024] == doctest::Approx(0.4));
  CHECK(x[2048] == doctest::Approx(0.6));
  CHECK(x[3072] == 1);
  CHECK(data.targets == std::vector<double>{9, 0});
  auto const part = source.load<float>({1023, 2});
  CHECK(std::get<DenseFeatures<float>>(part.features).values ==
        std::vector<float>{0, 102.0F / 255, 0, 0});
}

TEST_CASE("CIFAR-100 has its fine labels, and files may be packed") {
  TemporaryFolder const folder;
  std::string const bytes = image("\x13\x63", 51) + image("\x01\x02");
  std::string const path = folder.file("test.bin.gz");
  gzFile const file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  DataSource const source(path, Targets::classes);
  CHECK(source.shape().rows == 2);
  CHECK(source.classes() == 100);
  auto const data = source.load<float>({0, 1});
  CHECK(data.targets == std::vector<float>{99, 2});
  CHECK(std::get<DenseFeatures<float>>(data.features).values == std::vector<float>{51.0F / 255, 0});
}

TEST_CASE("a CIFAR file that begins as IDX does, or has no dark pixel, is one all the same") {
  TemporaryFolder const folder;
  DataSource const dark(folder.write("dark", image(zero, 0) + image("\x01")), Targets::classes);
  CHECK(dark.shape().rows == 2);
  std::string const bright = "\t" + std::string(3071, '\xfe') + "\x01";
  DataSource const light(folder.write("light", bright + bright), Targets::classes);
  CHECK(light.load<float>({0, 0}).targets == std::vector<float>{9, 9});
}

TEST_CASE("a folder is CIFAR's training files in their order") {
  TemporaryFolder const folder;
  write_ten(folder);
  DataSource const source(folder.path().string(), Targets::classes);
  CHECK(source.shape().rows == 5);
  auto const data = source.load<float>({0, 1});
  CHECK(data.targets == std::vector<float>{1, 2, 3, 4, 5});
  CHECK(std::get<DenseFeatures<float>>(data.features).values ==
        std::vector<float>{51.0F / 255, 102.0F / 255, 153.0F / 255, 204.0F / 255, 1});
  std::string const before = source.shape().checksum;
  folder.write("data_batch_5.bin", image("\x05"));
  CHECK(DataSource(folder.path().string(), Targets::classes).shape().checksum != before);
  TemporaryFolder const hundred;
  hundred.write("train.bin", image("\x01\x02"));
  CHECK(DataSource(hundred.path().string(), Targets::classes).classes() == 100);
}

TEST_CASE("folders that miss a file of CIFAR, or have a broken one, are refused by name") {
  TemporaryFolder const folder;
  contains(refusal(folder.path().string()), "is a folder");
  contains(refusal(folder.path().string()), "train.bin");
  write_ten(folder);
  folder.write("data_batch_4.bin", image("\x04").substr(0, 3000));
  contains(refusal(folder.path().string()), "data_batch_4.bin: has 3000 bytes");
  contains(refusal(folder.path().string()), "nearest size is 3073");
  folder.write("data_batch_4.bin", "");
  contains(refusal(folder.path().string()), "data_batch_4.bin: is empty");
  std::filesystem::remove(folder.file("data_batch_4.bin"));
  contains(refusal(folder.path().string()), "data_batch_4.bin: No such file");
}

TEST_CASE("broken CIFAR files are refused with the image and its label, or the nearest length") {
  contains(refusal_of(image("\x01") + image("\x0a")), "image 1, counted from 0: label 10");
  contains(refusal_of(image("\x01") + image("\x0a")), "CIFAR-10: 0 to 9");
  contains(refusal_of(image("\x14\x05")), "image 0, counted from 0: label 20");
  contains(refusal_of(image("\x13\x64")), "label 100; valid for this label of CIFAR-100: 0 to 99");
  contains(refusal_of(image("\x01").substr(0, 3000)), "the nearest sizes are 3073");
  contains(refusal_of(image("\x01") + image("\x02"), Targets::binary), "image 1");
}

TEST_CASE("images of every format know their shape") {
  TemporaryFolder const folder;
  folder.write("t-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x01\x01", 9));
  std::string const head("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x03", 16);
  std::string const path = folder.write("t-images-idx3-ubyte", head + "abcdef");
  same_shape(DataSource(path, Targets::classes).shape().image, {1, 2, 3});
  same_shape(DataSource("generate:images", Targets::classes).shape().image, {1, 28, 28});
  same_shape(DataSource("generate:images", Targets::classes, {10, 12}).shape().image, {1, 3, 4});
  same_shape(DataSource("generate:images", Targets::classes, {10, 13}).shape().image, {0, 0, 0});
  same_shape(DataSource("generate:logistic", Targets::binary).shape().image, {0, 0, 0});
}
