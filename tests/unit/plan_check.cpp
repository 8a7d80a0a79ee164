#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/plan/check_schedule.hpp"
#include "quartic/plan/schedule_file.hpp"

namespace quartic::plan {
namespace {

using Counts = std::vector<std::int64_t>;  // by stage

ScheduleReport checked(std::string const& csv, std::string const& cost_text = "slot") {
  ScheduleFile const file(csv);
  Cost const cost = Cost::parse(cost_text, file.stages(), 1);
  return report(file, cost, action_times(file, cost));
}

double makespan(std::string const& csv, std::string const& cost = "slot") {
  return to_units(checked(csv, cost).makespan);
}

Counts activations(std::string const& csv) {
  Counts counts;
  for (StageReport const& stage : checked(csv).stages) counts.push_back(stage.activations);
  return counts;
}

Counts buffers(std::string const& csv, std::string const& cost = "slot") {
  Counts counts;
  for (StageReport const& stage : checked(csv, cost).stages) counts.push_back(stage.buffers);
  return counts;
}

std::string error(std::string const& csv) {
  try {
    checked(csv);
  } catch (UsageError const& refused) {
    return refused.what();
  }
  return "no error";
}

TEST_CASE("two stages by hand") {
  std::string const csv = "0F0,0F1,,0B0,,0B1\n,1F0,1B0,1F1,1B1,\n";
  ScheduleReport const report = checked(csv);
  CHECK(report.workers == 2);
  CHECK(report.microbatches == 2);
  CHECK(to_units(report.makespan) == 6);
  CHECK(report.bubble == doctest::Approx(1. / 3));
  CHECK(activations(csv) == Counts{2, 1});
  CHECK(buffers(csv) == Counts{0, 1});  // 1F1's input is there at 2 and used at 3
  // Ends of 1F0, 1B0, 1F1, 1B1 and 0B1, which are the longest way:
  CHECK(makespan(csv, "real") == 9);                    // 2 4 5 7 9
  CHECK(makespan(csv, "f=1,b=2,latency=1") == 11);      // 3 5 6 8 11
  CHECK(makespan(csv, "f=1,b=1,straggler=1:3") == 14);  // 4 7 10 13 14
}

TEST_CASE("the order counts, not the idle cells") {
  CHECK(makespan("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1") == 6);
  CHECK(makespan(",,,0F0,,0F1,0B0,0B1,,\n1F0,1B0,,,,1F1,1B1") == 6);
}

TEST_CASE("a worker with several stages, between which no hop is paid") {
  std::string const csv = "0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n";
  CHECK(makespan(csv) == 8);
  CHECK(makespan(csv, "f=1,b=1,latency=1") == 12);
  CHECK(checked(csv).bubble == doctest::Approx(0.5));
  CHECK(checked(csv).stages[2].worker == 1);
  CHECK(checked(csv).stages[3].worker == 0);
}

TEST_CASE("backwards and forwards in any order") {
  CHECK(makespan("0F0,0F1,0B1,0B0\n1F0,1F1,1B1,1B0") == 6);
  CHECK(activations("0F0,0F1,0B1,0B0\n1F0,1F1,1B1,1B0") == Counts{2, 2});
  std::string const csv = "0F0,0F1,0F2,0B2,0B1,0B0\n1F2,1B2,1F1,1B1,1F0,1B0";
  CHECK(makespan(csv) == 10);
  CHECK(buffers(csv) == Counts{0, 2});
}

TEST_CASE("a split backward holds its activations until W") {
  CHECK(activations("0F0,0I0,0F1,0I1,0W0,0W1") == Counts{2});
  CHECK(activations("0F0,0I0,0W0,0F1,0I1,0W1") == Counts{1});
  CHECK(activations("0F0,0B0,0F1,0I1,0W1") == Counts{1});
  // 1I0 ends at 3, so 0B0 need not wait for 1W0.
  CHECK(makespan("0F0,0B0\n1F0,1I0,1W0") == 4);
}

TEST_CASE("whatever a person or a spreadsheet writes") {
  std::string const csv = "0F0,0B0\n1F0,1B0\n";
  double const expected = makespan(csv);
  for (std::string const same :
       {"0F0,0B0\n1F0,1B0", "0F0,0B0\r\n1F0,1B0\r\n", " 0F0 ,\t0B0,,,\n1F0,, ,1B0\n\n \r\n,,\n",
        "\xef\xbb\xbf\"0F0\",\" 0B0 \"\n\"1F0\",\"\",1B0\n", "00F0,0B000\n01F0,1B0"}) {
    CAPTURE(same);
    CHECK(makespan(same) == expected);
  }
}

TEST_CASE("a cell that is no pass is named with its line and column") {
  for (std::string const cell : {"0SEND_F0",
                                 "0RECV_B0",
                                 "0UNSHARD",
                                 "(0F1;1B0)OVERLAP_F_B",
                                 "F",
                                 "0F",
                                 "F0",
                                 "0X0",
                                 "0f0",
                                 "0 F 0",
                                 "-1F0",
                                 "0F-1",
                                 "+0F0",
                                 "0F0x",
                                 "0F1.0",
                                 "0F9999999999",
                                 "9999999999F0",
                                 "\"",
                                 "0F0;0B0",
                                 "0FB0",
                                 "None"}) {
    CAPTURE(cell);
    std::string const message = error("0F0,0B0\n1F0,," + cell + ",1B0\n");
    CHECK(message.starts_with("line 2, column 3: '" + cell.substr(0, 24)));
    CHECK(message.find("F (forward), B (backward), I (input gradient) and W (weight gradient)") !=
          std::string::npos);
  }
  CHECK(
      error(std::string("0F0,\0\x1b[31m\xff,0B0", 15)).starts_with("line 1, column 2: '??[31m?'"));
}

TEST_CASE("an order that is not complete, or has too much") {
  for (auto const& [csv, expected] : std::vector<std::pair<std::string, std::string>>{
           {"", "lists no action; a schedule file has one line per worker, with cells such as 0F3"},
           {"\n ,,\n\n",
            "lists no action; a schedule file has one line per worker, with cells such as 0F3"},
           {"0F0,0B0\n\n1F0,1B0",
            "line 2 lists no action; each line is a worker and must list the actions of at least "
            "one stage"},
           {"0F0,0B0,0F0",
            "0F0 (line 1, column 1) is listed twice, the second time on line 1, "
            "column 3"},
           {"0F0,0B0\n1F0,1B0,0B0",
            "stage 0 is on two workers: 0B0 (line 1, column 2) and 0B0 (line 2, column 3)"},
           {"0F0,1B0\n1F0,0B0",
            "stage 0 is on two workers: 0F0 (line 1, column 1) and 0B0 (line 2, column 2)"},
           {"0F0,0B0\n1F0",
            "1B0 is missing; the largest stage listed is 1, the largest microbatch 0"},
           {"0F0,0B0,0B1",
            "0F1 is missing; the largest stage listed is 0, the largest microbatch "
            "1"},
           {"0F0,0B0\n2F0,2B0",
            "1F0 is missing; the largest stage listed is 2, the largest "
            "microbatch 0"},
           {"0F0,0B0,999999999F999999999",
            "0F1 is missing; the largest stage listed is 999999999, "
            "the largest microbatch 999999999"},
           {"0F0,0I0", "0W0 is missing; the largest stage listed is 0, the largest microbatch 0"},
           {"0F0,0W0", "0I0 is missing; the largest stage listed is 0, the largest microbatch 0"},
           {"0F0,0B0,0I0,0W0",
            "0B0 (line 1, column 2) is listed together with 0I0 (line 1, column 3); a backward is "
            "either "
            "B, or I and W"},
           {"0F0,0B0,0W0",
            "0B0 (line 1, column 2) is listed together with 0W0 (line 1, column 3); a backward is "
            "either "
            "B, or I and W"}}) {
    CHECK(error(csv) == expected);
  }
}

TEST_CASE("an order that cannot be kept to") {
  for (auto const& [csv, expected] : std::vector<std::pair<std::string, std::string>>{
           {"0B0,0F0",
            "0B0 (line 1, column 1) is listed before 0F0 (line 1, column 2), which it needs"},
           {"0I0,0F0,0W0",
            "0I0 (line 1, column 1) is listed before 0F0 (line 1, column 2), which it needs"},
           {"0F0,,0W0,0I0",
            "0W0 (line 1, column 3) is listed before 0I0 (line 1, column 4), which it needs"},
           {"1F0,0F0,1B0,0B0",
            "deadlock: worker 0 cannot start 1F0 (line 1, column 1) before 0F0 "
            "(line 1, column 2) of worker 0"},
           {"0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0",
            "deadlock: worker 0 cannot start 0B0 (line 1, column 2) before 1B0 (line 2, column 4) "
            "of "
            "worker 1; worker 1 cannot start 1F1 (line 2, column 1) before 0F1 (line 1, column 3) "
            "of "
            "worker 0"}}) {
    CHECK(error(csv) == expected);
  }
}

TEST_CASE("of a deadlock those who wait for each other are named, and not too many") {
  // Stages 1 and 2 wait for each other; stage 0 waits for stage 1, and stage 3 for stage 2.
  std::string const message =
      error("0F0,0B0,0F1,0B1\n1F0,1B0,1F1,1B1\n2F0,2F1,2B0,2B1\n3F0,3F1,3B0,3B1\n");
  CHECK(message.find("worker 1 cannot start 1B0 (line 2, column 2) before 2B0") !=
        std::string::npos);
  CHECK(message.find("worker 2 cannot start 2F1 (line 3, column 2) before 1F1") !=
        std::string::npos);
  CHECK(message.find("worker 0 cannot start") == std::string::npos);
  CHECK(message.find("worker 3 cannot start") == std::string::npos);
  constexpr int workers = 20;  // two stages each, and the first wants its second one first
  std::string circle = "20F0,0F0,20B0,0B0\n";
  for (int worker = 1; worker < workers; ++worker)
    circle += fmt::format("{0}F0,{1}F0,{1}B0,{0}B0\n", worker, worker + workers);
  std::string const shortened = error(circle);
  CHECK(shortened.starts_with("deadlock: worker "));
  CHECK(shortened.ends_with("; …"));
  CHECK(shortened.size() < 1000);
}

TEST_CASE("costs so large that time runs out are refused") {
  CHECK_THROWS_WITH_AS(
      makespan("0F0,0F1,0F2,0F3,0F4,0B0,0B1,0B2,0B3,0B4", "f=1e6,b=1e6,straggler=0:1000"),
      doctest::Contains("plan time overflows"), UsageError);
}

// Random orders, and what a loop over slots finds.

using Random = std::mt19937;

int below(Random& random, std::size_t limit) {
  return static_cast<int>(random() % limit);
}

struct Orders {
  int stages;
  int microbatches;
  std::vector<std::vector<Action>> lines;

  std::string csv() const {
    std::string text;
    for (auto const& line : lines) {
      for (Action const& action : line) text += to_text(action) + ",";
      text += "\n";
    }
    return text;
  }
};

/// Which actions have ended before a slot, as plain sets.
struct Ended {
  std::vector<Action> actions;

  bool has(Kind kind, int stage, std::int64_t microbatch) const {
    return std::find(actions.begin(), actions.end(), Action{kind, stage, microbatch}) !=
           actions.end();
  }
  bool has_backward(int stage, std::int64_t microbatch) const {
    return has(Kind::backward, stage, microbatch) || has(Kind::backward_input, stage, microbatch);
  }
  bool allows(Action const& action, int stages) const {
    auto const [kind, stage, microbatch, count] = action;
    if (kind == Kind::forward) return stage == 0 || has(Kind::forward, stage - 1, microbatch);
    if (kind == Kind::backward_weight) return has(Kind::backward_input, stage, microbatch);
    return has(Kind::forward, stage, microbatch) &&
           (stage + 1 == stages || has_backward(stage + 1, microbatch));
  }
};

/// An order that can be kept to: any possible action next, again and again.
Orders random_orders(Random& random) {
  Orders orders{1 + below(random, 4), 1 + below(random, 4), {}};
  int const workers = 1 + below(random, static_cast<std::size_t>(orders.stages));
  orders.lines.resize(static_cast<std::size_t>(workers));
  std::vector<Action> left;
  for (int stage = 0; stage < orders.stages; ++stage) {
    for (int microbatch = 0; microbatch < orders.microbatches; ++microbatch) {
      left.push_back({Kind::forward, stage, microbatch});
      bool const split = below(random, 2) == 0;
      left.push_back({split ? Kind::backward_input : Kind::backward, stage, microbatch});
      if (split) left.push_back({Kind::backward_weight, stage, microbatch});
    }
  }
  Ended ended;
  while (!left.empty()) {
    auto const next = left.begin() + below(random, left.size());
    if (!ended.allows(*next, orders.stages)) continue;
    orders.lines[static_cast<std::size_t>(next->stage % workers)].push_back(*next);
    ended.actions.push_back(*next);
    left.erase(next);
  }
  return orders;
}

struct Found {
  int slots = 0;  // -1: a deadlock
  Counts activations;
  Counts buffers;
};

Found slot_by_slot(Orders const& orders) {
  auto const stages = static_cast<std::size_t>(orders.stages);
  Found found{0, Counts(stages), Counts(stages)};
  Counts held(stages);
  std::vector<std::size_t> next(orders.lines.size());
  std::size_t left = 0;
  for (auto const& line : orders.lines) left += line.size();
  Ended ended;
  Counts begun(stages);
  Counts arrived(stages);
  for (; left > 0; ++found.slots) {
    std::vector<Action> running;
    for (std::size_t worker = 0; worker < next.size(); ++worker) {
      auto const& line = orders.lines[worker];
      if (next[worker] < line.size() && ended.allows(line[next[worker]], orders.stages))
        running.push_back(line[next[worker]++]);
    }
    if (running.empty()) return {-1, {}, {}};
    for (Action const& action : running) {
      auto const stage = static_cast<std::size_t>(action.stage);
      if (action.kind == Kind::forward) {
        ++begun[stage];
        found.activations[stage] = std::max(found.activations[stage], ++held[stage]);
      }
    }
    for (std::size_t stage = 1; stage < stages; ++stage)
      found.buffers[stage] = std::max(found.buffers[stage], arrived[stage] - begun[stage]);
    for (Action const& action : running) {
      auto const stage = static_cast<std::size_t>(action.stage);
      ended.actions.push_back(action);
      if (action.kind == Kind::forward && stage + 1 < stages) ++arrived[stage + 1];
      if (action.kind == Kind::backward || action.kind == Kind::backward_weight) --held[stage];
    }
    left -= running.size();
  }
  return found;
}

TEST_CASE("random orders take the slots, activations and buffers that a loop over slots finds") {
  Random random(11);
  int deadlocks = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    Orders orders = random_orders(random);
    if (trial % 2 == 1) {  // two actions trade places, so that it may be impossible
      auto& line = orders.lines[static_cast<std::size_t>(below(random, orders.lines.size()))];
      std::swap(line[static_cast<std::size_t>(below(random, line.size()))],
                line[static_cast<std::size_t>(below(random, line.size()))]);
    }
    std::string const csv = orders.csv();
    CAPTURE(csv);
    Found const found = slot_by_slot(orders);
    if (found.slots < 0) {
      std::string const message = error(csv);
      CHECK((message.starts_with("deadlock: ") || message.ends_with("which it needs")));
      ++deadlocks;
    } else {
      REQUIRE(error(csv) == "no error");
      CHECK(makespan(csv) == found.slots);
      CHECK(activations(csv) == found.activations);
      CHECK(buffers(csv) == found.buffers);
    }
  }
  CHECK(deadlocks > 200);
  CHECK(deadlocks < 800);
}

TEST_CASE("of files that are damaged anywhere, each is a schedule or one line of error") {
  Random random(5);
  std::string const letters = "0123456789FBIW,,,\n\n\r \"\xff;x-";
  int refused = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    std::string csv = random_orders(random).csv();
    for (int change = below(random, 4); change >= 0 && !csv.empty(); --change) {
      auto const at = static_cast<std::size_t>(below(random, csv.size()));
      char const letter = letters[static_cast<std::size_t>(below(random, letters.size()))];
      int const how = below(random, 4);
      if (how == 0) csv[at] = letter;
      if (how == 1) csv.insert(at, 1, letter);
      if (how == 2) csv.erase(at, static_cast<std::size_t>(1 + below(random, 8)));
      if (how == 3) csv.insert(at, csv.substr(static_cast<std::size_t>(below(random, csv.size()))));
    }
    CAPTURE(csv);
    std::string const message = error(csv);
    if (message == "no error") continue;
    ++refused;
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.size() < 1500);
  }
  CHECK(refused > 2000);
  CHECK(refused < 5000);
}

}  // namespace
}  // namespace quartic::plan
