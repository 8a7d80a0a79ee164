#pragma once

#include <cstdint>
#include <string>

namespace quartic {

/// How far long work is, on stderr: a bar with rate and time left on a terminal, a line a minute
/// elsewhere. Cheap enough to be called after every step.
class Progress {
 public:
  /// Nothing is shown when `quiet`.
  Progress(std::string label, std::string unit, std::int64_t total, bool quiet);
  ~Progress();
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// The rate is that since the first call: what goes on had done the rest before.
  void at(std::int64_t done);

 private:
  void show(std::int64_t done, std::int64_t now_ns);
  std::string label_;
  std::string unit_;
  std::int64_t total_;
  bool shown_;
  bool terminal_;
  bool line_open_ = false;
  std::int64_t first_ = -1;  // done at the first call
  std::int64_t begin_ns_;
  std::int64_t due_ns_;
};

}  // namespace quartic
