#pragma once

#include <filesystem>
#include <string>

#include "quartic/app/setup.hpp"

namespace quartic::app {

/// How many rows, tokens where the data is text, a microbatch has in all pipelines; and their name.
double units_a_microbatch(Resolved const& resolved);
std::string unit_of(Resolved const& resolved);

/// The step (engine::Steps) of the evaluation with this index: exact with --evaluate-steps, else
/// the minibatches that a stage has applied on average.
std::int64_t step_of(Resolved const& resolved, std::size_t index, engine::ObjectiveRow const& row);
/// Minibatches that a stage has applied on average after so many block updates.
std::int64_t mean_steps(Resolved const& resolved, std::int64_t block_updates);

/// Before the training: which rows are evaluated and when.
std::string evaluation_line(Resolved const& resolved);

/// After it, from the gathered trace of the folder:
///
///   loss 4.199 → 2.685 · held-out 4.198 → 2.697 (best at step 400) · 23.6 s · 8,700 tokens/s
///
/// What this start of the run took, where it is much with what evaluation took after the training.
struct Took {
  std::int64_t microbatches = 0;  ///< of each pipeline
  std::int64_t training_ns = 0;
  std::int64_t evaluation_ns = 0;
};
std::string result_line(Resolved const& resolved, std::filesystem::path const& folder,
                        Took const& took);

/// Before the run: UsageError unless `file` can be written; it may be there only if an earlier run
/// has written it.
void require_csv(std::string const& file);
/// After the run, from the gathered trace of the folder: a line for each evaluation, and the mean
/// loss of the microbatches since the one before.
void write_csv(Resolved const& resolved, std::filesystem::path const& folder,
               std::string const& file);

}  // namespace quartic::app
