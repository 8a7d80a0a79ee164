#include "quartic/engine/device_payload.hpp"

#include <cstddef>
#include <span>

#include "quartic/compute/background_copy.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"

namespace quartic::engine {
namespace {

/// Handed over on this rank alone.
class LocalPayload : public comm::Payload {
 public:
  explicit LocalPayload(std::size_t bytes) : buffer_(static_cast<std::int64_t>(bytes)) {}
  std::byte* data() final { return buffer_.view().data(); }
  std::byte* place() override { return data(); }
  void depart() override {}
  bool departed() override { return true; }
  void arrive() override {}
  void vacate() override {}

 protected:
  std::span<std::byte> bytes() { return buffer_.view(); }

 private:
  compute::Buffer<std::byte> buffer_;
};

class StagedPayload final : public LocalPayload {
 public:
  explicit StagedPayload(std::size_t bytes) : LocalPayload(bytes), place_(bytes) {}
  std::byte* place() override { return place_.data(); }
  void depart() override { copy_.to_host(bytes(), place()); }
  bool departed() override { return copy_.done(); }
  void arrive() override { copy_.from_host(place(), bytes()); }
  void vacate() override { copy_.wait(); }

 private:
  compute::PinnedMemory place_;
  compute::BackgroundCopy copy_;  // ends before the places it copies between
};

/// MPI knows nothing of kernels: what they read and write must have ended.
class DirectPayload final : public LocalPayload {
 public:
  using LocalPayload::LocalPayload;
  void depart() override { kernels_.follow_kernels(); }
  bool departed() override { return kernels_.done(); }
  void vacate() override {
    kernels_.follow_kernels();
    kernels_.wait();
  }

 private:
  compute::BackgroundCopy kernels_;
};

template <class Kind>
std::unique_ptr<comm::Payload> make(std::size_t bytes) {
  return std::make_unique<Kind>(bytes);
}

}  // namespace

MakePayload make_payload(bool remote, Journey journey) {
  if (compute::computes_on_host()) return nullptr;
  if (!remote) return make<LocalPayload>;
  return journey == Journey::direct ? make<DirectPayload> : make<StagedPayload>;
}

}  // namespace quartic::engine
