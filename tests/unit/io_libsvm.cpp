#include <zlib.h>

#include <string>

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

std::string refusal(std::string const& text, Targets targets = Targets::real) {
  TemporaryFolder const folder;
  std::string const path = folder.write("rows.txt", text);
  std::string const message = message_of<UsageError>([&] { DataSource(path, targets); });
  contains(message, path);
  return message;
}

std::vector<double> targets_of(std::string const& text, Targets targets) {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows.txt", text), targets);
  return source.load<double>({0, source.shape().features}).targets;
}

void pack(std::string const& path, std::string const& text) {
  gzFile const file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

std::string const three_rows =
    "+1 1:0.5 3:-2e1 # a comment\n"
    "\n"
    "-1 2:3\t5:1\r\n"
    "1";

}  // namespace

TEST_CASE("LIBSVM rows arrive as compressed rows") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows.txt", three_rows), Targets::binary);
  CHECK(source.shape().rows == 3);
  CHECK(source.shape().features == 5);
  CHECK(source.classes() == 2);
  auto const data = source.load<double>({0, 5});
  auto const& features = std::get<SparseFeatures<double>>(data.features);
  CHECK(features.rows == 3);
  CHECK(features.columns == 5);
  CHECK(features.row_begin == std::vector<std::int64_t>{0, 2, 4, 4});
  CHECK(features.column == std::vector<std::int32_t>{0, 2, 1, 4});
  CHECK(features.values == std::vector<double>{0.5, -20, 3, 1});
  CHECK(data.targets == std::vector<double>{1, 0, 1});
}

TEST_CASE("a part of LIBSVM columns counts from its own first, and may reach beyond the last") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows.txt", three_rows), Targets::binary);
  auto const data = source.load<float>({2, 8});
  auto const& features = std::get<SparseFeatures<float>>(data.features);
  CHECK(features.columns == 8);
  CHECK(features.row_begin == std::vector<std::int64_t>{0, 1, 2, 2});
  CHECK(features.column == std::vector<std::int32_t>{0, 2});
  CHECK(features.values == std::vector<float>{-20, 1});
}

TEST_CASE("packed and plain text are the same data under different checksums") {
  TemporaryFolder const folder;
  pack(folder.file("rows.gz"), three_rows);
  DataSource const packed(folder.file("rows.gz"), Targets::binary);
  DataSource const plain(folder.write("rows.txt", three_rows), Targets::binary);
  CHECK(packed.load<double>({0, 5}).targets == plain.load<double>({0, 5}).targets);
  CHECK(packed.shape().checksum != plain.shape().checksum);
}

TEST_CASE("the checksum is the CRC-32 of the file") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("row", "1 1:1\n"), Targets::real);
  CHECK(source.shape().checksum == "crc32:f8c64b81");
}

TEST_CASE("labels 0/1 and -1/+1 are the same binary targets") {
  CHECK(targets_of("0 1:1\n1 1:1\n", Targets::binary) == std::vector<double>{0, 1});
  CHECK(targets_of("-1 1:1\n+1 1:1\n", Targets::binary) == std::vector<double>{0, 1});
  CHECK(targets_of("2.5 1:1\n-7 1:1\n", Targets::real) == std::vector<double>{2.5, -7});
}

TEST_CASE("two labels that are not 0 and 1 are numbered in ascending order, and remembered") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows", "2 1:1\n1 1:2\n"), Targets::binary);
  CHECK(source.facts().labels == std::vector<double>{1, 2});
  CHECK(source.load<double>({0, 1}).targets == std::vector<double>{1, 0});
  CHECK(DataSource(folder.write("rows", "0 1:1\n1 1:2\n"), Targets::binary).facts().labels.empty());
  CHECK(targets_of("2 1:1\n4 1:1\n", Targets::binary) == std::vector<double>{0, 1});
  CHECK(targets_of("7 1:1\n1 1:1\n3 1:1\n", Targets::classes) == std::vector<double>{2, 0, 1});
  CHECK(targets_of("-1 1:1\n+1 1:1\n", Targets::classes) == std::vector<double>{0, 1});
}

TEST_CASE("held-out labels are numbered as those of the training data") {
  TemporaryFolder const folder;
  std::string const path = folder.write("rows", "2 1:1\n");
  auto const read = [&](std::vector<double> labels) {
    return DataSource(path, Targets::classes, {}, {}, std::move(labels));
  };
  CHECK(read({1, 2}).load<double>({0, 1}).targets == std::vector<double>{1});
  CHECK(read({2, 9}).load<double>({0, 1}).targets == std::vector<double>{0});
  CHECK(read({}).load<double>({0, 1}).targets == std::vector<double>{2});
  contains(message_of<UsageError>([&] {
             read({1, 3});
           }),
           "line 1: label 2; valid: the labels of the");
}

TEST_CASE("numbers too small for a double are 0, and a byte-order mark is no label") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows", "\xef\xbb\xbf-1 1:1e-400 2:-1e-999\n"),
                          Targets::real);
  auto const data = source.load<double>({0, 2});
  CHECK(data.targets == std::vector<double>{-1});
  CHECK(std::get<SparseFeatures<double>>(data.features).values == std::vector<double>{0, 0});
}

TEST_CASE("classes are counted from the largest label") {
  TemporaryFolder const folder;
  CHECK(DataSource(folder.write("a", "4 1:1\n0 1:1\n"), Targets::classes).classes() == 5);
  CHECK(DataSource(folder.write("b", "0 1:1\n"), Targets::classes).classes() == 2);
  CHECK(DataSource(folder.write("c", "0 1:1\n"), Targets::real).classes() == 0);
}

TEST_CASE("labels out of range are refused with their line") {
  contains(refusal("0 1:1\n\n2 1:1\n", Targets::binary), "line 3: label 2");
  contains(refusal("0 1:1\n-1 1:1\n", Targets::binary), "line 1: label 0");
  contains(refusal("0 1:1\n1.5 1:1\n", Targets::classes), "line 2: label 1.5");
  contains(refusal("-1 1:1\n", Targets::classes), "line 1: label -1");
  contains(refusal("99999999 1:1\n", Targets::classes), "16777215");
}

TEST_CASE("broken LIBSVM lines are refused with their line") {
  contains(refusal("1 1:1\nabc 1:1\n"), "line 2: label 'abc'");
  contains(refusal("1 1:1\n1 1:x\n"), "line 2: value 'x'");
  contains(refusal("1 1:\n"), "line 1: value ''");
  contains(refusal("1 1:nan\n"), "line 1: value 'nan' is not a finite number");
  contains(refusal("1 1:inf\n"), "'inf'");
  contains(refusal("1 1:1e999\n"), "'1e999'");
  contains(refusal("nan 1:1\n"), "line 1: label 'nan'");
  contains(refusal("1 17\n"), "line 1: '17' is not INDEX:VALUE");
  contains(refusal("1 x:1\n"), "line 1: 'x:1' is not INDEX:VALUE");
  contains(refusal("1 :1\n"), "is not INDEX:VALUE");
  contains(refusal("1 0:1\n"), "line 1: index '0'");
  contains(refusal("1 -3:1\n"), "line 1: index '-3'");
  contains(refusal("1 2147483648:1\n"), "2147483647");
  contains(refusal("1 99999999999999999999:1\n"), "2147483647");
  contains(refusal("1 3:1 3:1\n"), "line 1: index 3 follows 3");
  contains(refusal("1 3:1 2:1\n"), "line 1: index 2 follows 3");
  contains(refusal("\n# nothing\n"), "has no rows");
  contains(refusal("123456789"), "has no features");
  contains(refusal("a b c\n1 2 3\n"), "LABEL INDEX:VALUE");
}

TEST_CASE("a value that a float cannot hold is refused with its line") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("rows.txt", "1 1:1\n1 1:1e300\n"), Targets::real);
  CHECK(source.load<double>({0, 1}).targets.size() == 2);
  contains(message_of<UsageError>([&] { source.load<float>({0, 1}); }), "line 2: value 1e+300");
}
