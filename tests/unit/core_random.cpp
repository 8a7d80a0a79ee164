#include <Random123/philox.h>
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "quartic/core/random.hpp"

using quartic::Stream;
using quartic::StreamName;

namespace {

std::vector<double> normals(Stream stream, std::size_t count) {
  std::vector<double> values(count);
  stream.normals(values);
  return values;
}

}  // namespace

TEST_CASE("the library's Philox4x32-10 gives the published known answer") {
  auto const drawn = r123::Philox4x32{}({{0, 0, 0, 0}}, {{0, 0}});
  CHECK(drawn[0] == 0x6627e8d5U);
  CHECK(drawn[1] == 0xe169c58dU);
  CHECK(drawn[2] == 0xbc57ac4cU);
  CHECK(drawn[3] == 0x9b00dbd8U);
}

TEST_CASE(
    "a stream's bits are Philox of the seed and the counter (position, name and index, "
    "microbatch)") {
  std::uint64_t const seed = 0x0123456789abcdefU;
  std::uint64_t const microbatch = 0x1'0000'0011U;
  Stream stream(seed, StreamName::gradient_noise, 3, microbatch);
  for (std::uint32_t position = 0; position < 3; ++position) {
    auto const drawn =
        r123::Philox4x32{}({{position, 1U << 24 | 3U, 0x11U, 1U}}, {{0x89abcdefU, 0x01234567U}});
    CHECK(stream.bits() == (std::uint64_t{drawn[0]} << 32 | drawn[1]));
    CHECK(stream.bits() == (std::uint64_t{drawn[2]} << 32 | drawn[3]));
  }
}

TEST_CASE("a stream does not depend on what is drawn from another, or in which order") {
  Stream first(7, StreamName::gradient_noise, 0, 17);
  Stream second(7, StreamName::gradient_noise, 1, 17);
  auto const first_alone = normals(first, 9);
  auto const second_alone = normals(second, 9);
  for (std::size_t i = 9; i-- > 0;) second.normal();
  for (std::size_t i = 0; i < 9; ++i) CHECK(first.normal() == first_alone[i]);
  CHECK(normals(Stream(7, StreamName::gradient_noise, 1, 17), 9) == second_alone);
}

TEST_CASE("seed, name, index and microbatch each tell streams apart") {
  std::set<std::uint64_t> const draws{
      Stream(1, StreamName::data, 0, 0).bits(),
      Stream(2, StreamName::data, 0, 0).bits(),
      Stream(std::uint64_t{1} << 32, StreamName::data, 0, 0).bits(),
      Stream(1, StreamName::jitter, 0, 0).bits(),
      Stream(1, StreamName::data, 1, 0).bits(),
      Stream(1, StreamName::data, 0, 1).bits(),
      Stream(1, StreamName::data, 0, std::uint64_t{1} << 32).bits(),
  };
  CHECK(draws.size() == 7);
}

TEST_CASE("uniform draws fill [0, 1) evenly") {
  Stream stream(11, StreamName::data);
  std::array<int, 10> histogram{};
  int const draws = 100'000;
  for (int i = 0; i < draws; ++i) {
    double const value = stream.uniform();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    ++histogram[static_cast<std::size_t>(value * 10)];
  }
  // Five standard deviations of a bin's count, sqrt(n p (1 - p)) = 95.
  for (int const count : histogram) CHECK(std::abs(count - draws / 10) < 475);
}

TEST_CASE("normal draws have the moments 0, 1, 0, 3") {
  auto const values = normals(Stream(5, StreamName::gradient_noise, 2, 40), 200'000);
  std::array<double, 4> moment{};
  for (double const value : values) {
    double power = 1;
    for (double& sum : moment) sum += power *= value;
  }
  double const n = static_cast<double>(values.size());
  // Five standard deviations of each estimate: sqrt of 1, 2, 15 and 96 over n.
  CHECK(std::abs(moment[0] / n) < 5 * std::sqrt(1 / n));
  CHECK(std::abs(moment[1] / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(moment[2] / n) < 5 * std::sqrt(15 / n));
  CHECK(std::abs(moment[3] / n - 3) < 5 * std::sqrt(96 / n));
}

TEST_CASE("noise in single precision is the rounded noise in double precision") {
  std::vector<float> singles(33);
  Stream(5, StreamName::gradient_noise).normals(singles);
  auto const doubles = normals(Stream(5, StreamName::gradient_noise), singles.size());
  for (std::size_t i = 0; i < singles.size(); ++i)
    CHECK(singles[i] == static_cast<float>(doubles[i]));
}
