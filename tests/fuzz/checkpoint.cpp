// --resume: the bytes are a manifest and, from the first signature of HDF5 on, the file of a stage.
#include "quartic/io/checkpoint.hpp"

#include <fmt/format.h>

#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"

namespace quartic::fuzz {
namespace {

constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
constexpr engine::Seat seat{0, 0};

// Reads a checkpoint as a run does: a stage's file is read only if its bytes are the manifest's.
std::string read_checkpoint(std::string const& bytes) {
  std::size_t const at = std::min(bytes.find(signature), bytes.size());
  std::filesystem::path const run = workplace() / "resumed";
  std::filesystem::remove_all(run);
  place("resumed/checkpoint/000000000020/manifest", std::string_view(bytes).substr(0, at));
  place("resumed/checkpoint/000000000020/0000-0000.h5", std::string_view(bytes).substr(at));
  auto const manifest = io::CheckpointFolder::manifest(run, 20);
  std::array const seats{seat};
  io::CheckpointFolder::verify(run, manifest, seats);
  engine::RecordedTables const recorded =
      io::CheckpointFolder::recorded(run, manifest.checkpoint.position, seat);
  return fmt::format("{} {}", io::manifest_text(manifest), recorded.steps.count);
}

Registration const checkpoint{{"checkpoint", read_checkpoint}};

}  // namespace
}  // namespace quartic::fuzz
