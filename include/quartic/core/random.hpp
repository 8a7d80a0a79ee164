#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace quartic {

/// What a stream of random numbers is for. The number is part of the stream's key: append only.
enum class StreamName : std::uint32_t {
  gradient_noise = 1,
  initial_weights = 2,
  jitter = 3,
  data = 4,
  sampling = 5,  ///< rpd: 0 the stage, 1 the microbatch of the data
  delays = 6,    ///< rpd: by stage
  shuffle = 7,   ///< the order of the rows; the epoch takes the microbatch's place
  augment = 8    ///< flips and crops; epoch * rows + row does
};

/// A named stream of random numbers (Philox4x32-10; Salmon et al. 2011, "Parallel random numbers:
/// as easy as 1, 2, 3"). A draw depends on (seed, name, index, microbatch) and its position alone,
/// so never on the layout of ranks or on what was drawn elsewhere.
///
/// Worked example: the gradient noise of stage 3 for microbatch 17 is
///   Stream(seed, StreamName::gradient_noise, 3, 17).normals(noise);
class Stream {
 public:
  /// `index` (below 2^24) and `microbatch` tell the streams of one name apart.
  Stream(std::uint64_t seed, StreamName name, std::uint32_t index = 0,
         std::uint64_t microbatch = 0);

  /// 64 random bits.
  std::uint64_t bits();
  /// Uniform in {0, …, n−1}, n > 0 (with a bias below n/2^64).
  std::uint64_t below(std::uint64_t n);
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Standard normal.
  double normal();
  void normals(std::span<double> values);
  void normals(std::span<float> values);

 private:
  void refill();
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint64_t, 2> buffer_{};
  int left_ = 0;
  double spare_normal_ = 0;
  bool has_spare_normal_ = false;
};

}  // namespace quartic
