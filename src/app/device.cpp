#include "quartic/app/device.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "quartic/comm/local_ranks.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/core/check.hpp"

namespace quartic::app {

void require_device(std::string const& device) {
  if (device == "host") return;
  if (!compute::has_device_code())
    usage_error("--device {}: this build has no device code; valid is host", device);
  if (compute::device_count() == 0) {
    usage_error("--device {}: no GPU is seen on {}; valid is host", device,
                comm::Communicator::host());
  }
  usage_error(
      "--device {}: this version computes single kernels on a GPU, but no stages yet; valid is "
      "host",
      device);
}

std::string device_report(comm::Communicator& communicator) {
  int const devices = compute::device_count();
  auto const all_devices = communicator.gather(fmt::format("{}", devices));
  auto const local = comm::local_ranks(communicator.gather(comm::Communicator::host()));
  if (!compute::has_device_code()) return "none (this build has no device code)";
  if (devices == 0) return "none (no GPU is seen)";
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(devices));
  for (int device = 0; device < devices; ++device)
    names.push_back(fmt::format("{} {}", device, compute::device_name(device)));
  std::vector<std::string> places;
  places.reserve(local.size());
  for (std::size_t rank = 0; rank < local.size(); ++rank) {
    int const there = std::stoi(all_devices[rank]);
    places.push_back(there == 0 ? "-" : fmt::format("{}", compute::device_of(local[rank], there)));
  }
  return fmt::format("{}; ranks 0 to {} would take {}", fmt::join(names, ", "), local.size() - 1,
                     fmt::join(places, " "));
}

}  // namespace quartic::app
