#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/format.hpp"

using namespace quartic;
using namespace std::string_literals;
using io::Format;
using test::contains;
using test::message_of;

namespace {

Format tokens(std::string const& bytes, io::FileOptions const& options = {}) {
  return io::recognise("f", bytes, true, options);
}

Format rows(std::string const& bytes) {
  return io::recognise("f", bytes, false, {});
}

std::string refusal(std::string const& bytes, bool is_tokens = true) {
  return message_of<UsageError>([&] { io::recognise("f", bytes, is_tokens, {}); });
}

}  // namespace

TEST_CASE("text is UTF-8 with any characters but NUL, or a single-byte coding") {
  CHECK(io::is_text("plain\n"));
  CHECK(io::is_text("page\fpage \x1b[1m"));
  CHECK(io::is_text("S\xc2\xb2 \x01 gr\xc3\xb6\xc3\x9f"));
  CHECK(io::is_text("gr\xf6\xdf\x65r"));
  CHECK_FALSE(io::is_text("gr\xf6\xdf\x01"));
  CHECK_FALSE(io::is_text("a\0b"s));
  CHECK_FALSE(io::is_text("\xed\x01"));
}

TEST_CASE("a text may begin with the letters of another format") {
  for (std::string const begin : {"BZh", "PAR1", "ARROW1", "%PDF-", "SQLite format 3"})
    CHECK(tokens(begin + " is how some files begin.\n") == Format::text);
}

TEST_CASE("formats that are not read are refused by name, whatever the objective reads") {
  for (bool const is_tokens : {true, false}) {
    contains(refusal("\xfd\x37zXZ\0..."s, is_tokens), "compressed with xz; decompress it first");
    contains(refusal("BZh91AY&SY\0..."s, is_tokens), "compressed with bzip2; decompress it first");
    contains(refusal("\x28\xb5\x2f\xfd..."s, is_tokens), "compressed with zstd");
    contains(refusal("PK\3\4..."s, is_tokens), "a zip archive");
    contains(refusal("\xff\xfeh\0i\0"s, is_tokens), "UTF-16");
    contains(refusal("\xfe\xff\0h\0i"s, is_tokens), "UTF-16");
    contains(refusal("\xff\xfe\0\0h\0\0\0"s, is_tokens), "UTF-32");
    contains(refusal("PAR1\0..."s, is_tokens), "Parquet");
    std::string archive(300, '\0');
    archive.replace(257, 5, "ustar");
    contains(refusal(archive, is_tokens), "tar archive");
  }
}

TEST_CASE("tokens are told by a signature, or by the option, never by a guess") {
  CHECK(tokens("to be or not\f") == Format::text);
  CHECK(tokens("\x93NUMPY\1\0") == Format::npy);
  CHECK(tokens("\x88\xd8\x34\x01") == Format::llmc);
  CHECK(tokens("\1\0\2\0"s, {"", 16}) == Format::tokens);
  CHECK(tokens("\xff\xfe\2\0"s, {"", 16}) == Format::tokens);
  CHECK(tokens("\1\0\2\0"s, {"text"}) == Format::text);
  contains(refusal("\1\0\2\0"s), "--token-bits 16 or 32");
  contains(refusal("\1\2\xff\3"s), "control characters");
}

TEST_CASE("rows are told by a signature and by content before any length") {
  std::string svm = "1 1:0.5\n0 2:1";
  svm += std::string(3074 - svm.size(), ' ');
  CHECK(rows(svm) == Format::libsvm);
  CHECK(rows("\n 1.5,2,3\n") == Format::csv);
  CHECK(rows("a;b\n1;2\n") == Format::csv);
  CHECK(rows("1 1:2 # a, b\n") == Format::libsvm);
  CHECK(rows("\0\0\x08\x01\0\0\0\1\2"s) == Format::idx);
  CHECK(rows(std::string(3073, '\0')) == Format::cifar10);
  CHECK(rows(std::string(3074, '\0')) == Format::cifar100);
}

TEST_CASE("the names of --data-format are those of the manual") {
  CHECK(io::format_names() == "hdf5, npy, idx, cifar10, cifar100, libsvm, csv, text, tokens, llmc");
  CHECK(io::format_named("csv") == Format::csv);
  contains(message_of<UsageError>([] { io::format_named("excel"); }),
           "'excel': unknown format; valid: hdf5");
}
