#include "quartic/app/device.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "quartic/comm/local_ranks.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/core/check.hpp"

namespace quartic::app {

void require_device(Config const& config) {
  if (config.tf32 && config.device == "host")
    usage_error(
        "--tf32: matrix products on the host are always in full precision; valid only with "
        "--device gpu");
  if (config.gpu_aware_mpi && config.device == "host" && compute::computes_on_host())
    usage_error("--gpu-aware-mpi: the stages compute on the host; valid only with --device gpu");
  if (config.device == "host") return;
  if (!compute::has_device_code())
    usage_error("--device {}: this build has no device code; valid: host", config.device);
  if (compute::device_count() == 0) {
    usage_error("--device {}: no GPU is visible on {}; valid: host", config.device,
                comm::Communicator::host());
  }
}

void compute_on_device(comm::Communicator& communicator, Config const& config) {
  if (config.gpu_aware_mpi && communicator.size() > 1 && !comm::Communicator::is_gpu_aware()) {
    usage_error("--gpu-aware-mpi: {} was built without support for a GPU's memory; leave it out",
                communicator.description());
  }
  if (config.device == "host") return;
  auto const devices = devices_of_ranks(communicator);
  comm::agree(communicator, [&] {
    int const own = std::stoi(devices[static_cast<std::size_t>(communicator.rank())]);
    compute::compute_on(own, {.tf32 = config.tf32});
  });
}

std::vector<std::string> devices_of_ranks(comm::Communicator& communicator) {
  auto const counts = communicator.gather(fmt::format("{}", compute::device_count()));
  auto const local = comm::local_ranks(communicator.gather(comm::Communicator::host()));
  std::vector<std::string> devices;
  devices.reserve(local.size());
  for (std::size_t rank = 0; rank < local.size(); ++rank) {
    int const there = std::stoi(counts[rank]);
    devices.push_back(there == 0 ? "-" : fmt::format("{}", compute::device_of(local[rank], there)));
  }
  return devices;
}

std::string device_report(comm::Communicator& communicator) {
  auto const of_ranks = devices_of_ranks(communicator);
  int const devices = compute::device_count();
  if (!compute::has_device_code()) return "none (this build has no device code)";
  if (devices == 0) return "none (no GPU is visible)";
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(devices));
  for (int device = 0; device < devices; ++device)
    names.push_back(fmt::format("{} {}", device, compute::device_name(device)));
  return fmt::format("{}; ranks 0 to {} would take {}", fmt::join(names, ", "), of_ranks.size() - 1,
                     fmt::join(of_ranks, " "));
}

}  // namespace quartic::app
