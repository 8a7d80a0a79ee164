// --resume: the rows that a run goes on with. The bytes are a stage's file of a checkpoint, of
// which what it has recorded is read, and, from the last signature of HDF5 on, the trace.
#include <fmt/format.h>

#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/checkpoint.hpp"
#include "quartic/io/trace.hpp"

namespace quartic::fuzz {
namespace {

constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";

std::string text_of(engine::RecordedRows const& rows) {
  return fmt::format("{} {:x}, ", rows.count, rows.hash.value);
}

std::string copy_rows(std::string const& bytes) {
  std::size_t const at = std::min(bytes.rfind(signature), bytes.size());
  std::filesystem::path const run = workplace() / "earlier";
  std::filesystem::remove_all(run);
  place("earlier/checkpoint/000000000020/0000-0000.h5", std::string_view(bytes).substr(0, at));
  place("earlier/trace.h5", std::string_view(bytes).substr(at));
  engine::RecordedTables const recorded = io::CheckpointFolder::recorded(run, 20, {0, 0});
  std::vector<engine::StageInfo> const hosted{{0, 0, 0, 4, 32}};
  io::TraceShard shard(run, 0, hosted, {.method = "sgd", .stages = 1, .ranks = 1});
  try {
    io::copy_earlier_rows(run, hosted, {recorded}, shard);
  } catch (...) {
    shard.close();  // by itself it would be left as by a killed process, open
    throw;
  }
  shard.close();
  return text_of(recorded.steps) + text_of(recorded.losses) + text_of(recorded.objectives);
}

// What is no run's is a failure where a run's own files are read.
std::string read_earlier_rows(std::string const& bytes) {
  try {
    return copy_rows(bytes);
  } catch (Failure const& error) {
    if (std::string(error.what()).find("assertion failed") != std::string::npos) throw;
    throw UsageError(error.what());
  }
}

Registration const earlier_rows{{"earlier_rows", read_earlier_rows}};

}  // namespace
}  // namespace quartic::fuzz
