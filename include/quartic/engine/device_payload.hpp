#pragma once

#include <memory>

#include "quartic/comm/message.hpp"

namespace quartic::engine {

/// How payloads that lie on a device go to another rank.
enum class Journey {
  staged,  ///< through pinned memory of the host, copied beside the kernels
  direct,  ///< from the device itself, by an MPI that reads and writes its memory (GPU-aware)
};

/// Makes the payloads of a channel; null where the process computes on the host. `remote`: whether
/// the channel goes to another rank, for else a payload never travels.
using MakePayload = std::unique_ptr<comm::Payload> (*)(std::size_t bytes);
MakePayload make_payload(bool remote, Journey journey);

}  // namespace quartic::engine
