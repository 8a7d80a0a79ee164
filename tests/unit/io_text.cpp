#include <zlib.h>

#include <cmath>
#include <map>
#include <set>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/data.hpp"

using namespace quartic;
using io::DataSource;
using io::GeneratedSize;
using io::Targets;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

GeneratedSize sequences(std::int64_t sequence, std::int64_t vocabulary = 0) {
  return {.sequence = sequence, .vocabulary = vocabulary};
}

std::string refusal(std::string const& path, GeneratedSize size,
                    io::FileOptions const& options = {}, Targets targets = Targets::tokens) {
  return message_of<UsageError>([&] { DataSource(path, targets, size, options); });
}

std::string refusal_of(std::string const& bytes, GeneratedSize size, int token_bits = 0) {
  TemporaryFolder const folder;
  return refusal(folder.write("data", bytes), size, {"", token_bits});
}

// Little-endian numbers of 16 bits.
std::string token_bytes(std::vector<int> const& tokens) {
  std::string bytes;
  for (int const token : tokens) {
    bytes += static_cast<char>(token & 255);
    bytes += static_cast<char>(token >> 8);
  }
  return bytes;
}

template <class T>
std::vector<T> values(Dataset<T> const& data) {
  return std::get<DenseFeatures<T>>(data.features).values;
}

}  // namespace

TEST_CASE("the tokens of a text are its bytes, numbered in their order") {
  TemporaryFolder const folder;
  DataSource const source(folder.write("text", "cab\ncab\nb"), Targets::tokens, sequences(3));
  CHECK(source.vocabulary() == "\nabc");
  CHECK(source.classes() == 4);
  CHECK(source.shape().rows == 2);
  CHECK(source.shape().features == 3);
  auto const data = source.load<float>({0, 3});
  CHECK(values(data) == std::vector<float>{3, 1, 2, 0, 3, 1});
  CHECK(data.targets == std::vector<float>{1, 2, 0, 3, 1, 2});
  auto const part = source.load<double>({1, 2});
  CHECK(values(part) == std::vector<double>{1, 2, 3, 1});
  CHECK(part.targets.size() == 6);
  CHECK(values(source.load<float>({0, 0})).empty());
  CHECK(source.load<float>({0, 0}).targets == data.targets);
}

TEST_CASE("rows are as many as have a token after their last") {
  TemporaryFolder const folder;
  auto const rows = [&](std::string const& text, std::int64_t sequence) {
    return DataSource(folder.write("text", text), Targets::tokens, sequences(sequence))
        .shape()
        .rows;
  };
  CHECK(rows("abcd", 3) == 1);
  CHECK(rows("abcdef", 3) == 1);
  CHECK(rows("abcdefg", 3) == 2);
  CHECK(rows("ab", 1) == 1);
}

TEST_CASE("a text of any bytes is read, UTF-8 or not, packed or not") {
  TemporaryFolder const folder;
  std::string const text = "\xc3\xfe\xff\x28 \xff";
  DataSource const source(folder.write("text", text), Targets::tokens, sequences(5));
  CHECK(source.vocabulary() == " (\xc3\xfe\xff");
  CHECK(values(source.load<float>({0, 5})) == std::vector<float>{2, 3, 4, 1, 0});
  std::string const path = folder.file("text.gz");
  gzFile const file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  DataSource const packed(path, Targets::tokens, sequences(5));
  CHECK(packed.vocabulary() == source.vocabulary());
  CHECK(packed.load<float>({0, 5}).targets == source.load<float>({0, 5}).targets);
}

TEST_CASE("a vocabulary may be larger than a text needs") {
  TemporaryFolder const folder;
  std::string const path = folder.write("text", "abcabc");
  CHECK(DataSource(path, Targets::tokens, sequences(2, 3)).classes() == 3);
  CHECK(DataSource(path, Targets::tokens, sequences(2, 64)).classes() == 64);
  contains(refusal(path, sequences(2, 2)), "3 distinct bytes; must be at least 3");
}

TEST_CASE("files of bare numbers are tokens of the width that is given") {
  TemporaryFolder const folder;
  std::vector<int> const tokens{0, 0, 50256, 1, 513, 65535, 7};
  std::string const path = folder.write("train.bin", token_bytes(tokens));
  io::FileOptions const wide{"", 16};
  DataSource const source(path, Targets::tokens, sequences(3), wide);
  CHECK(source.vocabulary().empty());
  CHECK(source.facts().tokens == 7);
  CHECK(source.classes() == 65536);
  auto const data = source.load<float>({0, 3});
  CHECK(values(data) == std::vector<float>{0, 0, 50256, 1, 513, 65535});
  CHECK(data.targets == std::vector<float>{0, 50256, 1, 513, 65535, 7});
  std::string const small = folder.write("small.bin", token_bytes({4, 2, 1, 2}));
  CHECK(DataSource(small, Targets::tokens, sequences(2), wide).classes() == 5);
  CHECK(DataSource(small, Targets::tokens, sequences(2, 100), wide).classes() == 100);
  contains(refusal(small, sequences(2, 4), wide), "token 0, counted from 0, is 4");
  contains(refusal(path, sequences(2, 50257), wide), "token 5, counted from 0, is 65535");
  contains(refusal(path, sequences(2)), "--token-bits 16 or 32");
  contains(refusal(path, sequences(2), {"tokens"}), "--data-format tokens needs --token-bits");
  contains(refusal(path, sequences(2), {"", 32}), "14 bytes, not a whole number of 32-bit");
}

TEST_CASE("tokens of 32 bits that a float cannot hold are refused") {
  TemporaryFolder const folder;
  std::string const path = folder.write("t", std::string("\0\0\0\1\1\0\0\0", 8));
  contains(refusal(path, sequences(1), {"", 32}), "token 0, counted from 0, is 16777216");
}

TEST_CASE("form feeds and escapes are text, and a byte-order mark is none of it") {
  TemporaryFolder const folder;
  std::string const path = folder.write("text", "\xef\xbb\xbf\f\x1b[1m abc");
  DataSource const source(path, Targets::tokens, sequences(3));
  CHECK(source.vocabulary() == "\f\x1b 1[abcm");
  CHECK(source.facts().format == "text");
}

TEST_CASE("texts and tokens that make no row are refused with what would be valid") {
  contains(refusal_of("", sequences(2)), "is empty");
  contains(refusal_of("a", sequences(1)), "has 1 tokens; at least 2 are needed");
  contains(refusal_of("abcdef", sequences(6)), "6 tokens");
  contains(refusal_of("abcdef", sequences(6)), "valid: 1 to 5");
  contains(refusal_of("abcdef", sequences(0)), "--sequence 0: must be at least 1");
  contains(refusal_of("abcdef", sequences(-3)), "--sequence -3");
  contains(refusal_of(token_bytes({1, 2, 3}), sequences(3), 16), "has 3 tokens");
  contains(refusal_of(std::string("\1\0\2", 3), sequences(1), 16), "has 3 bytes");
  contains(refusal_of("\x89HDF\r\n\x1a\n and more", sequences(1)), "HDF5");
}

TEST_CASE("generated text is the same beginning of a chain, however many rows and columns") {
  GeneratedSize const size{.rows = 20, .sequence = 16};
  DataSource const source("generate:text", Targets::tokens, size);
  CHECK(source.classes() == 64);
  CHECK(source.shape().rows == 20);
  CHECK(source.shape().features == 16);
  CHECK(source.shape().checksum == "generate:text rows=20 sequence=16 vocabulary=64");
  auto const data = source.load<double>({0, 16});
  auto const x = values(data);
  REQUIRE(data.targets.size() == x.size());
  for (std::size_t i = 0; i + 1 < x.size(); ++i) CHECK(data.targets[i] == x[i + 1]);
  DataSource const fewer("generate:text", Targets::tokens, {.rows = 7, .sequence = 16});
  auto const head = values(fewer.load<double>({0, 16}));
  CHECK(std::equal(head.begin(), head.end(), x.begin()));
  auto const part = values(source.load<double>({3, 2}));
  CHECK(part[2] == x[19]);
}

TEST_CASE("generated text can be learnt: few symbols follow another, some of them often") {
  DataSource const source("generate:text", Targets::tokens,
                          {.rows = 2000, .sequence = 16, .vocabulary = 10});
  CHECK(source.classes() == 10);
  auto const data = source.load<double>({0, 16});
  auto const x = values(data);
  std::map<double, std::map<double, double>> counts;
  for (std::size_t i = 0; i < x.size(); ++i) ++counts[x[i]][data.targets[i]];
  CHECK(counts.size() == 10);
  double bits = 0;
  for (auto const& [symbol, after] : counts) {
    CHECK(after.size() <= 4);
    double all = 0;
    for (auto const& [next, count] : after) all += count;
    for (auto const& [next, count] : after) bits -= count * std::log2(count / all);
  }
  CHECK(bits / static_cast<double>(x.size()) < 1.76);
  CHECK(bits / static_cast<double>(x.size()) > 1);
}

TEST_CASE("generators of other targets, and sizes of no text, are refused") {
  contains(refusal("generate:images", {}), "needs tokens; valid: generate:text");
  contains(refusal("generate:text", {}, {}, Targets::classes), "needs classes");
  contains(refusal("generate:text", {}, {}, Targets::real), "needs real numbers");
  contains(refusal("generate:text", {.sequence = 0}), "--sequence 0");
  contains(refusal("generate:text", {.rows = 0}), "--rows 0");
  contains(refusal("generate:text", {.vocabulary = 1}), "--vocabulary 1");
  contains(refusal("generate:text", {.vocabulary = 65537}), "--vocabulary 65537");
  contains(refusal("generate:text", {.rows = std::int64_t{1} << 40}), "tokens");
}
