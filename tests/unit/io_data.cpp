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

std::string refusal(std::string const& path, Targets targets = Targets::real) {
  return message_of<UsageError>([&] { DataSource(path, targets); });
}

}  // namespace

TEST_CASE("a path that is no data file is refused by name") {
  TemporaryFolder const folder;
  contains(refusal(folder.file("absent")), folder.file("absent"));
  contains(refusal(folder.file("absent")), "generate:");
  contains(refusal(folder.path().string()), "is a folder");
  contains(refusal(folder.write("empty", "")), "is empty");
  contains(refusal("/dev/null"), "not a regular file");
  contains(refusal(folder.write("binary", std::string("\x7f"
                                                      "ELF\x02\x01\0\0",
                                                      8))),
           "LIBSVM");
}

TEST_CASE("damaged gzip data is refused with the byte") {
  TemporaryFolder const folder;
  // "1 1:2\n", packed by gzip.
  std::string const packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x33\x54\x30\xb4\x32\xe2\x02\x00\x42\x18\xeb\xd3"
      "\x06\x00\x00\x00",
      26);
  CHECK(DataSource(folder.write("whole.gz", packed), Targets::real).shape().rows == 1);
  std::string damaged = packed;
  damaged[12] = '\x55';
  contains(refusal(folder.write("damaged.gz", damaged)), "damaged gzip data before byte");
  contains(refusal(folder.write("short.gz", packed.substr(0, 14))), "ends after 14 bytes");
  contains(refusal(folder.write("more.gz", packed + "xx")), "more.gz");
  std::string wrong_sum = packed;
  wrong_sum[18] = '\0';
  contains(refusal(folder.write("sum.gz", wrong_sum)), "incorrect data check");
  CHECK(DataSource(folder.write("two.gz", packed + packed), Targets::real).shape().rows == 2);
}
