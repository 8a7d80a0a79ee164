#pragma once

#include <cstdint>
#include <vector>

#include "quartic/compute/bend.hpp"
#include "quartic/engine/checkpoint.hpp"
#include "quartic/engine/device_payload.hpp"
#include "quartic/engine/records.hpp"
#include "quartic/engine/snapshots.hpp"
#include "quartic/engine/watcher.hpp"
#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/optimizer.hpp"
#include "quartic/plan/peaks.hpp"

namespace quartic::engine {

enum class Order { plan, arrival };

/// What every stage of a run shares.
struct StageSettings {
  int stages = 1;
  std::int64_t microbatches = 1;
  std::int64_t microbatch_size = 1;
  std::int64_t microbatches_an_epoch = 1;  ///< data is read in order, cyclically
  double gradient_scale = 1;               ///< 1/M, already in the gradients; scales the noise
  double gradient_noise = 0;
  nn::LearningRate learning_rate;
  std::uint64_t seed = 0;
  int pipelines = 1;
  std::int64_t displacement_every = 0;  ///< 0: never
  std::int64_t stale_read_every = 0;    ///< 0: never; the first pipeline only
  bool events = false;
  nn::OptimizerSpec optimizer = {};
};

/// How the copies of a stage in P pipelines are kept together.
struct AveragingSettings {
  int pipelines = 1;
  std::int64_t every = 1;  ///< updates of a stage between averages
  compute::OuterStep outer;
  bool has_outer_step() const { return pipelines > 1 && (outer.rate != 1 || outer.momentum != 0); }
};

struct RunSettings {
  StageSettings stage;
  AveragingSettings averaging;
  SnapshotSettings snapshots;
  CheckpointSettings checkpoints;
  std::vector<plan::StagePeak> peaks;  ///< by stage, to reserve for; empty: as it comes
  MemoryRow planned;                   ///< its planned columns
  Order order = Order::plan;
  Journey journey = Journey::staged;  ///< of payloads to another rank, where stages are on a device
  std::int64_t patience_ns = 0;  ///< that a rank waits for another before the run fails; 0: any
  std::int64_t trace_every = 1;
  Watcher* watcher = nullptr;  ///< rank 0's, which must outlive the run; nullptr: none
};

}  // namespace quartic::engine
