#pragma once

#include <cstddef>
#include <string>

/// The GPU's driver, libcuda: what OpenMP does not say or do.
namespace quartic::compute::driver {

/// The name of a device; empty where there is no driver.
std::string device_name(int device);

/// Makes the device's primary context that of this thread. It has to come before the first target
/// region: OpenMP's runtime takes the context that it finds, and cuBLAS then has the same one.
/// Failure when the driver refuses.
void enter_primary_context(int device);

/// Page-locked memory of the host. Failure when the driver has none left.
void* allocate_pinned(std::size_t bytes);
void release_pinned(void* memory) noexcept;

/// A point on a stream that can be waited for. There are two streams: that of the kernels, the
/// context's default one, and that of the copies that go on beside them. The first waits for
/// nothing on the second that it is not told to.
class Event {
 public:
  Event();
  ~Event();
  Event(Event const&) = delete;
  Event& operator=(Event const&) = delete;

  /// From now on it is the end of what the stream has been given so far.
  void record_kernels();
  void record_copies();
  /// What the other stream is given from now on comes after it.
  void hold_kernels();
  void hold_copies();
  bool has_happened();  ///< never blocks; true before it has been recorded
  void wait();

 private:
  struct CUevent_st* event_ = nullptr;
};

/// On the stream of the copies; the host's memory is pinned.
void copy_to_host(void* to, void const* from, std::size_t bytes);
void copy_from_host(void* to, void const* from, std::size_t bytes);

}  // namespace quartic::compute::driver
