// A checkpoint's files: what is visited comes back bit for bit, what does not fit is refused, and a
// manifest with any byte changed is none.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

/// Something of everything that a stage visits.
struct State {
  int count = 0;
  double number = 0;
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<engine::StepRow> steps;
  std::vector<float> matrix;  // rows of three
  std::vector<double> array;

  void state(engine::Archive& archive) {
    archive.integer("count", count);
    auto const group = archive.group("inside");
    archive.number("number", number);
    archive.integers("integers", integers);
    archive.numbers("numbers", numbers);
    archive.steps("steps", steps);
    if (archive.restores()) matrix.resize(3 * static_cast<std::size_t>(count));
    archive.rows<float>("matrix", count, 3, [&](std::int64_t i) {
      return std::span<float>(matrix).subspan(3 * static_cast<std::size_t>(i), 3);
    });
    archive.array<double>("array", array);
  }
};

State some_state() {
  State state{.count = 2, .number = std::nextafter(0.1, 1), .integers = {-1, 5}, .numbers = {}};
  state.steps.resize(3);
  state.steps[1].microbatch = 17;
  state.steps[1].gradient_sq = std::nextafter(2.0, 3);
  state.matrix = {1, 2, 3, 4, 5, std::numeric_limits<float>::infinity()};
  state.array = {0.25, -0.0, std::numeric_limits<double>::denorm_min()};
  return state;
}

constexpr engine::Seat seat{1, 2};

/// A stage's file needs the weights that its parameters are views of.
void visit_with_weights(engine::Archive& archive, State& state, std::vector<double>& weights) {
  state.state(archive);
  auto const group = archive.group("weights");
  auto const replica = archive.group("replica_0000");
  archive.array<double>("weights", weights);
}

struct Saved {
  test::TemporaryFolder folder;
  std::vector<double> weights = {1, 2, 3, 4, 5, 6};

  CheckpointFolder checkpoints() {
    return {folder.path(),
            [](engine::Seat) {
              return std::vector<NamedPart>{{"linear.weight", {2, 2}, 1}};
            },
            {{"config", "abc"}, {"cpu", "one = two"}}};
  }
  void save(std::int64_t position, State state, std::int64_t lasting = -1) {
    CheckpointFolder to = checkpoints();
    to.save(position, seat,
            [&](engine::Archive& archive) { visit_with_weights(archive, state, weights); });
    to.finish();
    CHECK(to.written() == position);
    to.commit({position, 0xdeadbeef, 12, 34}, lasting);
  }
  fs::path file(std::string const& name) const {
    return folder.path() / "checkpoint" / "000000000042" / name;
  }
};

TEST_CASE("what is saved comes back bit for bit") {
  Saved saved;
  State const before = some_state();
  saved.save(42, before);
  State after{.array = std::vector<double>(3)};
  std::vector<double> weights(6);
  saved.checkpoints().restore(
      42, seat, [&](engine::Archive& archive) { visit_with_weights(archive, after, weights); });
  CHECK(after.count == 2);
  CHECK(after.number == before.number);
  CHECK(after.integers == before.integers);
  CHECK(after.numbers.empty());
  REQUIRE(after.steps.size() == 3);
  CHECK(after.steps[1].microbatch == 17);
  CHECK(after.steps[1].gradient_sq == before.steps[1].gradient_sq);
  CHECK(std::isnan(after.steps[2].gradient_sq));
  CHECK(after.matrix == before.matrix);
  CHECK(after.array == before.array);
  CHECK(std::signbit(after.array[1]));
  CHECK(weights == saved.weights);
}

TEST_CASE("another shape than the stage's is refused, and so is what is not there") {
  Saved saved;
  saved.save(42, some_state());
  auto const restore = [&](auto visit) {
    saved.checkpoints().restore(42, seat, [&](engine::Archive& archive) { visit(archive); });
  };
  std::vector<double> four(4);
  CHECK_THROWS_AS(restore([&](engine::Archive& archive) {
                    auto const group = archive.group("inside");
                    archive.array<double>("array", four);
                  }),
                  Failure);
  std::int64_t value = 0;
  CHECK_THROWS_AS(restore([&](engine::Archive& archive) { archive.integer("other", value); }),
                  Failure);
  CHECK_THROWS_AS(
      restore([&](engine::Archive& archive) { static_cast<void>(archive.group("no")); }), Failure);
}

TEST_CASE("the newest whole checkpoint is found, and those before it are gone") {
  Saved saved;
  CHECK(CheckpointFolder::positions(saved.folder.path()).empty());
  saved.save(7, some_state());
  saved.save(42, some_state());
  fs::create_directories(saved.folder.path() / "checkpoint" / "000000000050.part");
  CHECK(CheckpointFolder::positions(saved.folder.path()) == std::vector<std::int64_t>{42});
  auto const newest = CheckpointFolder::manifest(saved.folder.path(), 42);
  CHECK(newest.checkpoint.position == 42);
  CHECK(newest.checkpoint.plan.value == 0xdeadbeef);
  CHECK(newest.checkpoint.block_updates == 12);
  CHECK(newest.checkpoint.wall_ns == 34);
  CHECK(newest.about.at("cpu") == "one = two");
  CHECK_FALSE(fs::exists(saved.folder.path() / "checkpoint" / "000000000007"));
  CHECK_FALSE(fs::exists(saved.file("0001-0002.h5.crc32")));
  CheckpointFolder::remove_parts(saved.folder.path());
  CHECK_FALSE(fs::exists(saved.folder.path() / "checkpoint" / "000000000050.part"));
}

TEST_CASE("the checkpoint that a longer run can continue from stays beside later ones") {
  Saved saved;
  fs::path const run = saved.folder.path();
  constexpr std::int64_t lasting = 42;
  for (std::int64_t const position : {7, 42, 50, 51}) saved.save(position, some_state(), lasting);
  CHECK(CheckpointFolder::positions(run) == std::vector<std::int64_t>{51, lasting});
  CheckpointFolder::remove_beyond(run, lasting);
  CHECK(CheckpointFolder::positions(run) == std::vector<std::int64_t>{lasting});
}

TEST_CASE("a file that is not as its manifest says is refused") {
  Saved saved;
  saved.save(42, some_state());
  auto const manifest = CheckpointFolder::manifest(saved.folder.path(), 42);
  std::array const seats{seat};
  CHECK_NOTHROW(CheckpointFolder::verify(saved.folder.path(), manifest, seats));
  std::array const others{engine::Seat{0, 0}};
  CHECK_THROWS_AS(CheckpointFolder::verify(saved.folder.path(), manifest, others), UsageError);
  fs::path const file = saved.file("0001-0002.h5");
  fs::resize_file(file, fs::file_size(file) - 1);
  CHECK_THROWS_AS(CheckpointFolder::verify(saved.folder.path(), manifest, seats), UsageError);
}

TEST_CASE("a manifest reads back, and not with any byte changed or cut off") {
  CheckpointManifest manifest;
  manifest.checkpoint = {42, {0x0123456789abcdef}, 99, 1'000'000'000'000};
  manifest.about = {{"config", "00ff"}, {"cpu", "AMD EPYC"}};
  manifest.files = {{"0000-0000.h5", {0x89abcdef, 1234}}, {"0000-0001.h5", {1, 5}}};
  std::string const text = manifest_text(manifest);
  CHECK(manifest_text(parse_manifest(text, "m")) == text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    CHECK_THROWS_AS(parse_manifest(text.substr(0, i), "m"), UsageError);
    std::string changed = text;
    changed[i] ^= 1;
    CHECK_THROWS_AS(parse_manifest(changed, "m"), UsageError);
  }
}

TEST_CASE("a manifest of another format is said to be one, not to be damaged") {
  std::string text = manifest_text({{}, {}, {{"0000-0000.h5", {}}}});
  text.replace(text.find("format 1"), 8, "format 2");
  try {
    parse_manifest(text, "m");
    FAIL("accepted");
  } catch (UsageError const& error) {
    CHECK(std::string(error.what()) == "m: has format 2; this program reads format 1");
  }
}

}  // namespace
}  // namespace quartic::io
