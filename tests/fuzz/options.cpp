// What people write: --config, and the schedules of `quartic plan --check`.
#include <fmt/format.h>

#include <algorithm>

#include "fuzz/target.hpp"
#include "quartic/app/command_line.hpp"
#include "quartic/app/setup.hpp"
#include "quartic/core/check.hpp"
#include "quartic/plan/check_schedule.hpp"

namespace quartic::fuzz {
namespace {

// Parses as far as a plan needs; the method's rules check the values of its options.
app::Config parsed(app::Command command, std::string const& text) {
  app::Config config = app::parse(command, {"--config", place("config.ini", text)});
  app::resolve_method(config);
  app::Config planned = config;
  planned.microbatches = std::int64_t{8} * config.stages * config.accumulate;
  app::rules_of(planned, 1);
  plan::Cost::parse(config.cost, config.stages, config.seed);
  return config;
}

// What a run says of its configuration is a configuration, the same one.
std::string read_config(std::string const& bytes) {
  std::string text = app::config_text(parsed(app::Command::run, bytes));
  std::string const again = app::config_text(parsed(app::Command::run, text));
  if (again == text) return text;
  auto const place = std::mismatch(text.begin(), text.end(), again.begin(), again.end()).first;
  throw Finding("config.ini is another from here on: " + std::string(place, text.end()));
}

void require_in_order(plan::ScheduleFile const& file, std::vector<plan::ActionTimes> const& times) {
  for (std::size_t number = 0; number < times.size(); ++number) {
    auto const input = file.input(file.actions()[number].action);
    if (input && times[*input].end > times[number].begin) throw Finding("before its input");
  }
  for (int worker = 0; worker < file.workers(); ++worker) {
    for (std::size_t number = file.begin(worker) + 1; number < file.end(worker); ++number) {
      if (times[number].begin < times[number - 1].end) throw Finding("two at a time");
    }
  }
}

std::string read_schedule(std::string const& bytes) {
  plan::ScheduleFile const file{std::string_view(bytes)};
  plan::Cost const cost = plan::Cost::parse("f=1,bi=1,bw=1,latency=0.5", file.stages(), 0);
  auto const times = plan::action_times(file, cost);
  require_in_order(file, times);
  return plan::to_text(plan::report(file, cost, times), cost.unit());
}

Registration const config{{"config", read_config}};
Registration const schedule{{"schedule", read_schedule}};

}  // namespace
}  // namespace quartic::fuzz
