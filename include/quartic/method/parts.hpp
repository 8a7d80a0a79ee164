#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "quartic/method/registry.hpp"
#include "quartic/plan/rules.hpp"

/// The answers that several methods share.
namespace quartic::method {

/// Greedy order: a backward when its gradient is there, else the next forward. Stage 0 admits
/// `admitted` microbatches into the pipeline.
std::unique_ptr<plan::Schedule> greedy_admitting_at_first_stage(std::int64_t admitted);
/// Greedy order with at most S−s microbatches in flight at stage s, and ⌈slack·(S−1−s)⌉ more.
std::unique_ptr<plan::Schedule> greedy_admitting_at_each_stage(int stages, double slack = 0);

/// One forward, one backward (1F1B) in a fixed order, over windows of `window` microbatches: S−s
/// forwards, then backward and forward in turn, then the drain. One window of all microbatches
/// never flushes before the end.
std::unique_ptr<plan::Schedule> one_forward_one_backward(int stages, std::int64_t window,
                                                         double slack = 0);

/// The same with one window from microbatch `synchronous` on, and windows of a minibatch before.
std::unique_ptr<plan::Schedule> one_forward_one_backward_after(std::int64_t synchronous,
                                                               plan::Shape const& shape);

/// `--admission pipeline | stage | fixed` of the 1F1B orders without flush (methods.md §2), and the
/// schedule that it names.
Option admission_option(std::string_view default_value);
std::unique_ptr<plan::Schedule> admission_schedule(plan::Shape const& shape,
                                                   OptionValues const& options, double slack = 0);

/// `window` forwards, then `window` backwards.
std::unique_ptr<plan::Schedule> fill_and_drain(std::int64_t window);

/// Each worker walks its table (`tables[worker]`: the actions of one window of `window`
/// microbatches, numbered from 0) over and over, window after window.
std::unique_ptr<plan::Schedule> table_schedule(std::vector<std::vector<plan::Action>> tables,
                                               int stages, std::int64_t window);

/// nF1B (methods.md §7): a whole minibatch forward, one backward for all of it, greedy, with at
/// most S−s minibatches in flight at stage s. The backward comes in pieces of a microbatch, or as
/// one action.
Option backward_option();
std::unique_ptr<plan::Schedule> nf1b_schedule(plan::Shape const& shape,
                                              OptionValues const& options);

/// Both passes read the live weights.
std::unique_ptr<plan::VersionRule> live_weights();
/// The forward reads the live weights and keeps them for the backward.
std::unique_ptr<plan::VersionRule> stashed_weights();

/// At every stage after each `accumulate`-th backward.
std::unique_ptr<plan::UpdateRule> every(std::int64_t accumulate);

/// The answers of most methods: a worker a stage, an update after every minibatch.
plan::Rules composed(plan::Shape const& shape, std::unique_ptr<plan::Schedule const> schedule,
                     std::unique_ptr<plan::VersionRule const> versions);

}  // namespace quartic::method
