#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmath>
#include <csignal>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/h5.hpp"
#include "quartic/io/trace.hpp"

using namespace quartic;
using engine::EventRow;
using engine::LossRow;
using engine::MemoryRow;
using engine::ObjectiveRow;
using engine::StaleReadRow;
using engine::StepRow;
using io::h5::File;
using io::h5::Handle;
using test::contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

// Three stages on two ranks: 0 and 1 on rank 0, 2 on rank 1, which also has the tables of the run.
std::vector<engine::StageInfo> const stages{
    {0, 0, 0, 10, 80}, {0, 1, 0, 20, 160}, {0, 2, 1, 30, 240}};

io::RunInfo run_info() {
  io::RunInfo info;
  info.method = "pipedream";
  info.stages = 3;
  info.ranks = 2;
  info.time_unit = "slot";
  info.events = true;
  info.loss_rank = 1;
  info.objective_rank = 1;
  info.attributes = {{"config", "[run]\nstages = 3\n"}, {"cpu", "π"}, {"cost", ""}};
  return info;
}

std::vector<engine::StageInfo> hosted(int rank) {
  return rank == 0 ? std::vector{stages[0], stages[1]} : std::vector{stages[2]};
}

StepRow step(std::int64_t microbatch) {
  StepRow row;
  row.microbatch = microbatch;
  row.minibatch = microbatch / 2;
  row.replica = 3;
  row.version_forward = 4;
  row.version_backward = 5;
  row.version_applied = 6;
  row.staleness = 7;
  row.drift = 8;
  row.delay_own = 9;
  row.delay_oldest = 10;
  row.gradient_sq = 0.5;
  row.learning_rate = 0.25;
  row.plan_forward = 1.5;
  row.plan_backward = 2.5;
  row.forward_begin_ns = 11;
  row.forward_end_ns = 12;
  row.backward_begin_ns = 13;
  row.backward_end_ns = 14;
  row.wait_ns = 15;
  row.weight_copies = 16;
  row.activations = 17;
  return row;
}

std::vector<StepRow> steps(std::int64_t count) {
  std::vector<StepRow> rows;
  for (std::int64_t i = 0; i < count; ++i) rows.push_back(step(i));
  return rows;
}

void write_run(std::filesystem::path const& folder, std::int64_t microbatches) {
  io::write_master(folder, run_info(), stages);
  for (int rank = 0; rank < 2; ++rank) {
    io::TraceShard shard(folder, rank, hosted(rank), run_info());
    for (int place = 0; place < std::ssize(hosted(rank)); ++place) {
      shard.steps(place, steps(microbatches));
      shard.events(place, std::vector{EventRow{'F', {}, 1, 0, 1, 5, 6}, EventRow{'B', {}, 1}});
    }
    if (rank == 1) {
      shard.losses(0, std::vector{LossRow{0, 1, 2, 3, 4.5, 5, 6.5}});
      shard.objectives(std::vector{ObjectiveRow{1.5, 2, 3, 4.5, 0.5, 0.25}});
    }
    shard.memory(MemoryRow{rank, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    shard.close();
  }
}

// One column of a table, by its name alone: what a reader that does not know our structs sees.
template <class Value>
std::vector<Value> column(File const& file, std::string const& table, char const* name,
                          hid_t type) {
  Handle const dataset = file.open_dataset(file.id(), table);
  Handle const space{H5Dget_space(dataset.id()), H5Sclose};
  std::vector<Value> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.id())));
  Handle const field{H5Tcreate(H5T_COMPOUND, sizeof(Value)), H5Tclose};
  REQUIRE(H5Tinsert(field.id(), name, 0, type) >= 0);
  REQUIRE(H5Dread(dataset.id(), field.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
  return values;
}

std::vector<std::int64_t> integers(File const& file, std::string const& table, char const* name) {
  return column<std::int64_t>(file, table, name, H5T_NATIVE_INT64);
}

std::vector<double> reals(File const& file, std::string const& table, char const* name) {
  return column<double>(file, table, name, H5T_NATIVE_DOUBLE);
}

std::vector<std::string> column_names(File const& file, std::string const& table) {
  Handle const dataset = file.open_dataset(file.id(), table);
  Handle const type{H5Dget_type(dataset.id()), H5Tclose};
  std::vector<std::string> names;
  for (int i = 0; i < H5Tget_nmembers(type.id()); ++i) {
    char* const name = H5Tget_member_name(type.id(), static_cast<unsigned>(i));
    names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

std::string text(File const& file, char const* name) {
  Handle const attribute{H5Aopen(file.id(), name, H5P_DEFAULT), H5Aclose};
  Handle const type{H5Aget_type(attribute.id()), H5Tclose};
  char* value = nullptr;
  REQUIRE(H5Aread(attribute.id(), type.id(), &value) >= 0);
  std::string const copy = value;
  H5free_memory(value);
  return copy;
}

// Opens the master of an unfinished run like `h5py.File(f, 'r', swmr=True)`.
File open_live(std::filesystem::path const& folder) {
  return File::open(folder / "trace.h5", H5F_ACC_RDONLY | H5F_ACC_SWMR_READ);
}

File open_gathered(std::filesystem::path const& folder) {
  return File::open(folder / "trace.h5", H5F_ACC_RDONLY);
}

// Runs `body` in a child process; what it returns is the exit code. 128 + n if signal n ended it.
template <class Body>
int in_child(Body&& body) {
  pid_t const child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (std::exception const&) {
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a gathered trace holds every row of every rank") {
  TemporaryFolder const folder;
  write_run(folder.path(), 1000);
  io::gather(folder.path(), true);
  File const file = open_gathered(folder.path());
  CHECK(file.names(file.id()) ==
        std::vector<std::string>{"loss", "memory", "objective", "ranks", "stage"});
  for (char const* stage : {"0000", "0001", "0002"}) {
    std::string const group = std::string("stage/") + stage;
    auto const microbatch = integers(file, group + "/steps", "microbatch");
    REQUIRE(microbatch.size() == 1000);
    for (std::size_t i = 0; i < 1000; ++i) REQUIRE(microbatch[i] == static_cast<std::int64_t>(i));
    CHECK(integers(file, group + "/events", "microbatch") == std::vector<std::int64_t>{1, 1});
  }
  CHECK(integers(file, "memory", "rank") == std::vector<std::int64_t>{0, 1});
  CHECK(reals(file, "loss", "loss") == std::vector{6.5});
  CHECK(reals(file, "objective", "gradient_sq") == std::vector{0.25});
  CHECK_FALSE(std::filesystem::exists(folder.path() / "ranks"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "trace.h5.part"));
}

TEST_CASE("every column of steps arrives under its own name") {
  TemporaryFolder const folder;
  write_run(folder.path(), 2);
  io::gather(folder.path(), true);
  File const file = open_gathered(folder.path());
  std::string const table = "stage/0001/steps";
  CHECK(column_names(file, table) ==
        std::vector<std::string>{
            "microbatch",       "minibatch",         "replica",         "version_forward",
            "version_backward", "version_applied",   "staleness",       "drift",
            "delay_own",        "delay_oldest",      "displacement_sq", "gradient_sq",
            "learning_rate",    "plan_forward",      "plan_backward",   "forward_begin_ns",
            "forward_end_ns",   "backward_begin_ns", "backward_end_ns", "wait_ns",
            "weight_copies",    "activations"});
  std::int64_t expected = 3;
  for (char const* name :
       {"replica", "version_forward", "version_backward", "version_applied", "staleness", "drift",
        "delay_own", "delay_oldest", "forward_begin_ns", "forward_end_ns", "backward_begin_ns",
        "backward_end_ns", "wait_ns", "weight_copies", "activations"}) {
    CAPTURE(name);
    CHECK(integers(file, table, name).at(1) == expected++);
  }
  CHECK(std::isnan(reals(file, table, "displacement_sq").at(0)));
  CHECK(reals(file, table, "gradient_sq").at(0) == 0.5);
  CHECK(reals(file, table, "learning_rate").at(0) == 0.25);
  CHECK(reals(file, table, "plan_forward").at(0) == 1.5);
  CHECK(reals(file, table, "plan_backward").at(0) == 2.5);
}

TEST_CASE("the other tables have the columns of the contract") {
  TemporaryFolder const folder;
  write_run(folder.path(), 1);
  io::gather(folder.path(), true);
  File const file = open_gathered(folder.path());
  using Names = std::vector<std::string>;
  CHECK(column_names(file, "stage/0000/events") ==
        Names{"action", "microbatch", "plan_begin", "plan_end", "begin_ns", "end_ns"});
  CHECK(column_names(file, "loss") ==
        Names{"pipeline", "replica", "microbatch", "minibatch", "plan_time", "wall_ns", "loss"});
  CHECK(column_names(file, "objective") ==
        Names{"plan_time", "block_updates", "wall_ns", "value", "accuracy", "gradient_sq"});
  CHECK(column_names(file, "memory") ==
        Names{"rank", "weights_bytes", "stashes_bytes", "activations_bytes", "buffers_bytes",
              "resident_bytes", "others_bytes", "planned_weights_bytes", "planned_stashes_bytes",
              "planned_activations_bytes", "planned_buffers_bytes"});
  Handle letter{H5Tcopy(H5T_C_S1), H5Tclose};
  H5Tset_strpad(letter.id(), H5T_STR_NULLPAD);
  CHECK(column<char>(file, "stage/0000/events", "action", letter.id()) == std::vector{'F', 'B'});
}

TEST_CASE("attributes tell what the run was, before and after gathering") {
  TemporaryFolder const folder;
  write_run(folder.path(), 1);
  for (bool const gathered : {false, true}) {
    CAPTURE(gathered);
    if (gathered) io::gather(folder.path(), true);
    File const file = gathered ? open_gathered(folder.path()) : open_live(folder.path());
    CHECK(file.integer(file.id(), "format_version") == 1);
    CHECK(file.integer(file.id(), "stages") == 3);
    CHECK(file.integer(file.id(), "complete") == (gathered ? 1 : 0));
    CHECK(text(file, "method") == "pipedream");
    CHECK(text(file, "time_unit") == "slot");
    CHECK(text(file, "config") == "[run]\nstages = 3\n");
    CHECK(text(file, "cpu") == "π");
    CHECK(text(file, "cost").empty());
    CHECK(file.has_attribute(file.id(), "finished") == gathered);
    if (gathered)
      CHECK(text(file, "finished").size() == std::string("2024-05-31T12:00:00Z").size());
    Handle const stage = file.open_group(file.id(), "stage/0002");
    CHECK(file.integer(stage.id(), "rank") == 1);
    CHECK(file.integer(stage.id(), "parameters") == 30);
    CHECK(file.integer(stage.id(), "parameter_bytes") == 240);
  }
}

TEST_CASE("a run can be read through its master while it writes") {
  TemporaryFolder const folder;
  io::write_master(folder.path(), run_info(), stages);
  // The writer is the child, because a child would read through its parent's open file. It appends
  // 300 rows for every byte in `orders` and answers in `answers`.
  int orders[2];
  int answers[2];
  REQUIRE(pipe(orders) == 0);
  REQUIRE(pipe(answers) == 0);
  pid_t const writer = fork();
  if (writer == 0) {
    io::TraceShard shard(folder.path(), 0, hosted(0), run_info());
    for (char order = 0; read(orders[0], &order, 1) == 1 && order == 'w';) {
      shard.steps(1, steps(300));
      shard.flush();
      if (write(answers[1], &order, 1) != 1) break;
    }
    _exit(0);
  }
  for (std::size_t round = 1; round <= 3; ++round) {
    char byte = 'w';
    REQUIRE(write(orders[1], &byte, 1) == 1);
    REQUIRE(read(answers[0], &byte, 1) == 1);
    CHECK(integers(open_live(folder.path()), "stage/0001/steps", "microbatch").size() ==
          300 * round);
  }
  REQUIRE(write(orders[1], "e", 1) == 1);
  waitpid(writer, nullptr, 0);
  for (int const end : {orders[0], orders[1], answers[0], answers[1]}) close(end);
}

TEST_CASE("stages of other pipelines have their own groups, before and after gathering") {
  TemporaryFolder const folder;
  io::RunInfo info = run_info();
  info.stages = 1;
  info.pipelines = 2;
  info.objective_rank = info.loss_rank = 0;
  std::vector<engine::StageInfo> const copies{{0, 0, 0, 10, 80}, {1, 0, 1, 10, 80}};
  io::write_master(folder.path(), info, copies);
  for (int rank = 0; rank < 2; ++rank) {
    io::TraceShard shard(folder.path(), rank, {copies[static_cast<std::size_t>(rank)]}, info);
    shard.steps(0, steps(rank == 0 ? 3 : 5));
    shard.losses(0, std::vector{LossRow{rank, 0, 2, 3, 4.5, 5, 6.5}});
    shard.close();
  }
  auto const check = [&](io::h5::File const& file) {
    CHECK(integers(file, "stage/0000/steps", "microbatch").size() == 3);
    CHECK(integers(file, "pipeline/0001/stage/0000/steps", "microbatch").size() == 5);
  };
  check(open_live(folder.path()));
  io::gather(folder.path(), true);
  io::h5::File const gathered = io::h5::File::open(folder.path() / "trace.h5", H5F_ACC_RDONLY);
  check(gathered);
  CHECK(integers(gathered, "loss", "pipeline") == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("stale reads are summed over the stages as far as all have them") {
  TemporaryFolder const folder;
  io::RunInfo info = run_info();
  info.stale_reads = true;
  io::write_master(folder.path(), info, stages);
  auto const sample = [](std::int64_t microbatch, double value) {
    return StaleReadRow{microbatch, 10.5 + static_cast<double>(microbatch), value};
  };
  for (int rank = 0; rank < 2; ++rank) {
    io::TraceShard shard(folder.path(), rank, hosted(rank), info);
    for (int place = 0; place < std::ssize(hosted(rank)); ++place) {
      double const share = rank == 1 ? 100 : 1 + 9 * place;
      std::vector rows{sample(0, 0), sample(4, share), sample(8, 3 * share)};
      if (rank == 1) rows.pop_back();
      shard.stale_reads(place, rows);
    }
    shard.close();
  }
  CHECK(reals(open_live(folder.path()), "stage/0001/stale_read", "value") ==
        std::vector{0.0, 10.0, 30.0});
  io::gather(folder.path(), false);
  File const file = open_gathered(folder.path());
  CHECK(column_names(file, "stale_read") ==
        std::vector<std::string>{"microbatch", "plan_time", "value"});
  CHECK(integers(file, "stale_read", "microbatch") == std::vector<std::int64_t>{0, 4});
  CHECK(reals(file, "stale_read", "plan_time") == std::vector{10.5, 14.5});
  CHECK(reals(file, "stale_read", "value") == std::vector{0.0, 111.0});
}

TEST_CASE("a killed run keeps what it flushed, and can be gathered") {
  TemporaryFolder const folder;
  io::write_master(folder.path(), run_info(), stages);
  int const code = in_child([&] {
    io::TraceShard first(folder.path(), 0, hosted(0), run_info());
    io::TraceShard second(folder.path(), 1, hosted(1), run_info());
    for (int batch = 0; batch < 3; ++batch) {
      first.steps(0, steps(300));
      if (batch < 2) first.flush();
    }
    return raise(SIGKILL);
  });
  REQUIRE(code == 128 + SIGKILL);
  CHECK(integers(open_live(folder.path()), "stage/0000/steps", "microbatch").size() == 600);
  io::gather(folder.path(), false);
  File const file = open_gathered(folder.path());
  CHECK(integers(file, "stage/0000/steps", "microbatch").size() == 600);
  CHECK(integers(file, "stage/0002/steps", "microbatch").empty());
  CHECK(file.integer(file.id(), "complete") == 0);
}

TEST_CASE("a run that still writes is not gathered") {
  TemporaryFolder const folder;
  io::write_master(folder.path(), run_info(), stages);
  io::TraceShard first(folder.path(), 0, hosted(0), run_info());
  io::TraceShard(folder.path(), 1, hosted(1), run_info()).close();
  contains(message_of<UsageError>([&] { io::gather(folder.path(), false); }), "0000.h5");
  first.close();
  io::gather(folder.path(), false);
}

TEST_CASE("gathering twice changes nothing") {
  TemporaryFolder const folder;
  write_run(folder.path(), 3);
  io::gather(folder.path(), true);
  io::gather(folder.path(), false);
  File const file = open_gathered(folder.path());
  CHECK(file.integer(file.id(), "complete") == 1);
}

TEST_CASE("a gathering that fails keeps the shards and says how to gather later") {
  TemporaryFolder const folder;
  write_run(folder.path(), 3);
  std::filesystem::resize_file(folder.path() / "ranks/0001.h5", 100);
  std::string const message = message_of<Failure>([&] { io::gather(folder.path(), true); });
  contains(message, "ranks/0001.h5");
  contains(message, "quartic gather " + folder.path().string());
  CHECK(std::filesystem::exists(folder.path() / "ranks/0000.h5"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "trace.h5.part"));
  File const master = open_live(folder.path());
  CHECK(integers(master, "stage/0001/steps", "microbatch").size() == 3);
}

TEST_CASE("a folder that holds no run is the user's mistake") {
  TemporaryFolder const folder;
  contains(message_of<UsageError>([&] { io::gather(folder.path(), false); }), "trace.h5");
}

TEST_CASE("a folder that cannot be written is the user's mistake") {
  TemporaryFolder const folder;
  std::string const file = folder.write("file", "not a folder");
  contains(message_of<UsageError>([&] { io::write_master(file, run_info(), stages); }), file);
  contains(message_of<UsageError>([&] { io::TraceShard(file, 0, hosted(0), run_info()); }),
           "Not a directory");
  std::filesystem::create_directories(folder.path() / "trace.h5");
  std::string const message =
      message_of<UsageError>([&] { io::write_master(folder.path(), run_info(), stages); });
  contains(message, "trace.h5");
}

TEST_CASE("a refused lock names the variable that turns locking off") {
  TemporaryFolder const folder;
  io::TraceShard(folder.path(), 0, hosted(0), run_info()).close();
  int const descriptor = open((folder.path() / "ranks/0000.h5").c_str(), O_RDWR);
  REQUIRE(flock(descriptor, LOCK_EX) == 0);
  std::string const message =
      message_of<Failure>([&] { io::TraceShard(folder.path(), 0, hosted(0), run_info()); });
  close(descriptor);
  contains(message, "HDF5_USE_FILE_LOCKING=FALSE");
  contains(message, "0000.h5");
}

TEST_CASE("a file that can grow no further is a failure with the system's reason") {
  TemporaryFolder const folder;
  int const code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{200'000, 200'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    io::TraceShard shard(folder.path(), 0, hosted(0), run_info());
    try {
      for (int i = 0; i < 100; ++i) {
        shard.steps(0, steps(300));
        shard.flush();
      }
    } catch (Failure const& error) {
      std::string const message = error.what();
      bool const names_both = message.find("0000.h5") != std::string::npos &&
                              message.find("File too large") != std::string::npos;
      return names_both ? 0 : 1;
    }
    return 2;
  });
  CHECK(code == 0);
}
