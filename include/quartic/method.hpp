#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/core/delay_table.hpp"
#include "quartic/plan/rules.hpp"

/// What the file of a training method includes: the type Method and the answers to the questions of
/// plan/rules.hpp that several methods share. A method is a file src/method/NAME.cpp that defines
/// `Method NAME();` and the line METHOD(NAME) in src/method/catalogue.inc.
namespace quartic::method {

/// An option that only some methods know; it reaches the command line through the registry.
struct Option {
  std::string name;
  std::string default_value;
  std::string help;  ///< says what is valid
};

/// Reads the file of --delays replay:FILE, since methods read no files. UsageError if it is none.
using DelayReader = std::function<DelayTable(std::string const& file)>;

/// The values of a method's own options: those that were given, and defaults for the rest.
class OptionValues {
 public:
  /// UsageError for an option that `known` does not hold.
  OptionValues(std::string_view method, std::span<Option const> known,
               std::map<std::string, std::string> given, DelayReader read_delays = {});
  /// The value, which must be one of `choices`; UsageError otherwise.
  std::string const& choice(std::string const& name,
                            std::span<std::string_view const> choices) const;
  /// The value as a finite number of `least` to `most`; UsageError otherwise.
  double number(std::string const& name, double least,
                double most = std::numeric_limits<double>::infinity()) const;
  /// The same, or "inf".
  double number_or_infinity(std::string const& name, double least) const;
  /// The value as a whole number of `least` to `most`; UsageError otherwise.
  std::int64_t integer(std::string const& name, std::int64_t least, std::int64_t most) const;
  /// What a file of --delays replay:FILE holds.
  DelayTable delay_table(std::string const& file) const { return read_delays_(file); }
  std::map<std::string, std::string> const& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
  DelayReader read_delays_;
};

/// Copies of a model in one pipeline, at most.
inline constexpr std::int64_t largest_replicas = 1 << 16;
/// Local steps between averages, at most.
inline constexpr std::int64_t largest_local_steps = std::int64_t{1} << 32;

/// The default of --accumulate where it is the number of stages.
inline constexpr std::int64_t accumulate_stages = 0;

/// One training method: its answers, made for one shape, and what `quartic methods` prints of it.
/// Formulas hold in the steady state at stage s.
struct Method {
  std::string name;
  std::string order;  ///< order of work
  struct {
    std::string forward;
    std::string backward;
  } reads;  ///< weights, in words
  std::string staleness;
  std::string drift;
  std::string copies;
  std::string activations;
  std::string bubble;
  std::string summary;
  std::string reference;
  std::int64_t default_accumulate = 1;
  bool accumulates = true;         ///< false: refuses another --accumulate than 1
  bool updates_one_stage = false;  ///< a microbatch updates one stage of its own, not all
  std::string optimizer;           ///< its default of --optimizer; empty: sgd
  bool only_optimizer = false;     ///< the method is defined with this optimizer only
  double beta1 = 0;                ///< its default of --beta1; 0: the optimizer's
  std::vector<Option> options;
  std::function<plan::Rules(plan::Shape const&, OptionValues const&)> make;
};

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

/// `--admission pipeline | stage | fixed` of the 1F1B orders without flush, and the
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

/// nF1B: a whole minibatch forward, one backward for all of it, greedy, with at
/// most S−s minibatches in flight at stage s. The backward comes in pieces of a microbatch, or as
/// one action.
Option backward_option();
std::unique_ptr<plan::Schedule> nf1b_schedule(plan::Shape const& shape,
                                              OptionValues const& options);

/// Both passes read the live weights.
std::unique_ptr<plan::VersionRule> live_weights();
/// The forward reads the live weights and keeps them for the backward.
std::unique_ptr<plan::VersionRule> stashed_weights();

/// Both passes read the live weights; a forward reads them predicted to ⌊j/M⌋ updates, which is the
/// version that its gradient will be applied to at any timing, by the optimizer's next step.
std::unique_ptr<plan::VersionRule> predicted_weights(std::int64_t accumulate);

/// An update at every stage after each `accumulate`-th backward, which are a minibatch. Methods
/// derive from it to add a rate or a correction.
class Every : public plan::UpdateRule {
 public:
  explicit Every(std::int64_t accumulate) : accumulate_(accumulate) {}
  bool applies_after(int, std::int64_t microbatch) const override {
    return (microbatch + 1) % accumulate_ == 0;
  }
  std::int64_t minibatch(std::int64_t microbatch) const override {
    return microbatch / accumulate_;
  }

 private:
  std::int64_t accumulate_;
};

/// The answers of most methods: a worker a stage, an update after every minibatch.
plan::Rules composed(plan::Shape const& shape, std::unique_ptr<plan::Schedule const> schedule,
                     std::unique_ptr<plan::VersionRule const> versions);

}  // namespace quartic::method
