#include "offload_workspace.hpp"

namespace quartic::compute {

void* workspace_bytes(Workspace purpose, std::int64_t bytes) {
  // Never destroyed: OpenMP's runtime may have left the device before static objects end.
  static auto& blocks = *new std::array<Buffer<char>, static_cast<std::size_t>(Workspace::count)>;
  auto& block = blocks[static_cast<std::size_t>(purpose)];
  if (block.size() < bytes) block = Buffer<char>(bytes);
  return block.view().data();
}

}  // namespace quartic::compute
