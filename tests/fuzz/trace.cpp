// What `quartic gather` reads: the bytes are trace.h5 of a run of one rank and, from the second
// signature of HDF5 on, the shard that it links to.
#include "quartic/io/trace.hpp"

#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/trace_state.hpp"

namespace quartic::fuzz {
namespace {

constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";

// What cannot be gathered is kept: nothing of it may be touched.
void require_untouched(std::string_view master, std::string_view shard) {
  auto const& run = workplace();
  if (bytes_of(run / "trace.h5") != master) throw Finding("trace.h5 is another");
  if (bytes_of(run / "ranks/0000.h5") != shard) throw Finding("the shard is another");
  if (std::filesystem::exists(run / "trace.h5.part")) throw Finding("trace.h5.part is left");
}

std::string read_trace(std::string const& bytes) {
  std::size_t const at = bytes.rfind(signature);
  std::string_view const master = std::string_view(bytes).substr(0, at);
  std::string_view const shard = std::string_view(bytes).substr(std::min(at, bytes.size()));
  place("trace.h5", master);
  place("ranks/0000.h5", shard);
  try {
    io::gather(workplace(), false);
  } catch (UsageError const&) {
    require_untouched(master, shard);
    throw;
  } catch (Failure const& error) {
    require_untouched(master, shard);
    if (std::string(error.what()).find("assertion failed") != std::string::npos) throw;
    throw UsageError(error.what());
  }
  if (std::filesystem::exists(workplace() / "ranks")) throw Finding("the shard is left");
  return io::is_complete(workplace()) ? "complete" : "gathered";
}

Registration const trace{{"trace", read_trace}};

}  // namespace
}  // namespace quartic::fuzz
