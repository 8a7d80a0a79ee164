#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <optional>

#include "quartic/core/check.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/table.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/io/trace_state.hpp"
#include "stale_read_sum.hpp"
#include "trace_gap.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

/// What may be missing from a gathered trace.
enum class Loss { none, what_is_damaged };

/// Reads something of a shard: whether that could be done. A failure unless a loss is allowed, and
/// one of another file, such as the trace on a full disk, all the same.
template <class Read>
bool reads(Loss loss, fs::path const& shard, Read read) {
  try {
    read();
    return true;
  } catch (Failure const& error) {
    bool const is_shards = std::string_view(error.what()).find(shard.string()) != std::string::npos;
    if (loss == Loss::none || !is_shards) throw;
    return false;
  }
}

// The table `name` of `from`, appended to the table of that name in `to`, made if it is missing.
void copy_table(h5::File const& target, hid_t to, h5::File const& shard, hid_t from,
                std::string const& name, Loss loss) {
  std::optional<h5::Table> source;
  if (!reads(loss, shard.path(), [&] { source.emplace(h5::Table::open(shard, from, name)); }))
    return;
  h5::Table copy = target.has_link(to, name) ? h5::Table::open(target, to, name)
                                             : h5::Table::create_like(target, to, name, *source);
  if (loss == Loss::none)
    copy.append_all(target, *source, shard);
  else
    copy.append_readable(target, *source, shard);
  copy.flush(target);
}

void copy_stage(h5::File const& target, hid_t to, h5::File const& shard, hid_t from,
                std::string const& name, Loss loss) {
  h5::Handle const source = shard.open_group(from, name);
  h5::Handle const group = target.create_group(to, name);
  for (char const* attribute : {"rank", "parameters", "parameter_bytes"}) {
    target.set_integer(group.id(), attribute, shard.integer(source.id(), attribute));
  }
  for (std::string const& table : shard.names(source.id())) {
    copy_table(target, group.id(), shard, source.id(), table, loss);
  }
}

// The stages of one pipeline that a shard holds; returns how many.
std::size_t copy_stages(h5::File const& target, h5::File const& shard, std::string const& path,
                        Loss loss) {
  h5::Handle const from = shard.open_group(shard.id(), path);
  h5::Handle const to = target.ensure_group(path);
  std::vector<std::string> const names = shard.names(from.id());
  for (std::string const& name : names) copy_stage(target, to.id(), shard, from.id(), name, loss);
  return names.size();
}

// Of pipelines, by name, the shard whose losses they are.
using OtherLosses = std::map<std::string, fs::path>;

// Returns how many stages the shard holds.
std::size_t copy_shard(h5::File const& target, fs::path const& path, OtherLosses& other_losses,
                       Loss loss) {
  h5::File const shard = h5::File::open_left_behind(path);
  std::size_t stages = 0;
  for (std::string const& name : shard.names(shard.id())) {
    if (name == "stage") {
      stages += copy_stages(target, shard, "/stage", loss);
    } else if (name == "pipeline") {
      h5::Handle const pipelines = shard.open_group(shard.id(), name);
      for (std::string const& pipeline : shard.names(pipelines.id())) {
        stages += copy_stages(target, shard, "/pipeline/" + pipeline + "/stage", loss);
        h5::Handle const group = shard.open_group(pipelines.id(), pipeline);
        if (shard.has_link(group.id(), "loss")) other_losses.emplace(pipeline, path);
      }
    } else {
      copy_table(target, target.id(), shard, shard.id(), name, loss);
    }
  }
  return stages;
}

// Appends the losses of the other pipelines to /loss, by pipeline.
void copy_losses(h5::File const& target, OtherLosses const& other_losses, Loss loss) {
  for (auto const& [pipeline, path] : other_losses) {
    h5::File const shard = h5::File::open_left_behind(path);
    h5::Handle const group = shard.open_group(shard.id(), "pipeline/" + pipeline);
    copy_table(target, target.id(), shard, group.id(), "loss", loss);
  }
}

// When the run last wrote, which for one that died is not now: "2024-05-31T12:00:00Z".
std::string last_write(fs::path const& folder, std::int64_t ranks) {
  fs::file_time_type latest = fs::file_time_type::min();
  for (int rank = 0; rank < ranks; ++rank) {
    std::error_code none;  // a shard that is lost
    auto const time = fs::last_write_time(folder / shard_name(rank), none);
    if (!none) latest = std::max(latest, time);
  }
  auto const time =
      std::chrono::floor<std::chrono::seconds>(std::chrono::file_clock::to_sys(latest));
  std::time_t const seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

void require_stages(h5::File const& target, fs::path const& folder, std::size_t found) {
  std::int64_t const expected =
      target.integer(target.id(), "pipelines") * target.integer(target.id(), "stages");
  if (static_cast<std::int64_t>(found) != expected) {
    failure("{}: the shards hold only {} of {} stages", folder.string(), found, expected);
  }
}

// Turns a copy of the master, which has the attributes, into the whole trace.
void fill(fs::path const& copy, fs::path const& folder, Loss loss) {
  h5::File target = h5::File::open(copy, H5F_ACC_RDWR);
  for (std::string const& name : target.names(target.id())) {
    target.check(H5Ldelete(target.id(), name.c_str(), H5P_DEFAULT), "H5Ldelete");
  }
  std::int64_t const ranks = target.integer(target.id(), "ranks");
  std::size_t found = 0;
  OtherLosses other_losses;
  std::string damaged;
  for (int rank = 0; rank < ranks; ++rank) {
    bool const whole = reads(loss, folder / shard_name(rank), [&] {
      found += copy_shard(target, folder / shard_name(rank), other_losses, loss);
    });
    if (!whole) damaged += shard_name(rank).string() + gap_separator;
  }
  copy_losses(target, other_losses, loss);
  if (loss == Loss::none) {
    sum_stale_reads(target);
    require_stages(target, folder, found);
  } else {
    std::string const gap = damaged + gap_of(target);
    if (!gap.empty()) target.set_text(target.id(), gap_attribute, gap);
  }
  bool const complete = loss == Loss::none && fs::exists(folder / complete_mark);
  target.set_integer(target.id(), "complete", complete ? 1 : 0);
  target.set_text(target.id(), "finished", last_write(folder, ranks));
  target.close();
}

bool is_gathered(fs::path const& trace) {
  h5::File const file = h5::File::open(trace, H5F_ACC_RDONLY);
  return file.has_attribute(file.id(), "finished");
}

void refuse_live_run(fs::path const& folder) {
  for (fs::directory_entry const& shard : fs::directory_iterator(folder / "ranks")) {
    if (ShardLock::held(shard.path())) {
      usage_error("{}: a run is still writing this shard; gather after it has ended",
                  shard.path().string());
    }
  }
}

// Made before the shards are gathered: if that fails, a later gathering knows that the run is
// complete.
void mark_complete(fs::path const& folder) {
  std::ofstream const mark(folder / complete_mark);
  if (!mark) failure("{}: cannot be created", (folder / complete_mark).string());
}

void replace_master(fs::path const& folder, Loss loss) {
  fs::path const trace = folder / "trace.h5";
  fs::path const aside = folder / "trace.h5.part";
  fs::copy_file(trace, aside, fs::copy_options::overwrite_existing);
  fill(aside, folder, loss);
  put_in_place(aside, trace);
}

}  // namespace

std::string gap_of(h5::File const& trace) {
  return trace.has_attribute(trace.id(), gap_attribute) ? trace.text(trace.id(), gap_attribute)
                                                        : std::string();
}

void gather_what_is_left(fs::path const& folder) {
  try {
    gather(folder, false);
  } catch (Failure const&) {
    if (!fs::exists(folder / "ranks")) throw;
    replace_master(folder, Loss::what_is_damaged);
    fs::remove_all(folder / damaged_shards);
    fs::rename(folder / "ranks", folder / damaged_shards);
  }
}

void gather(fs::path const& folder, bool complete) {
  fs::path const trace = folder / "trace.h5";
  if (!fs::is_regular_file(trace)) {
    usage_error("{}: no such file; give a run folder", trace.string());
  }
  try {
    if (!is_gathered(trace)) {
      refuse_live_run(folder);
      if (complete) mark_complete(folder);
      replace_master(folder, Loss::none);
    }
    fs::remove_all(folder / "ranks");
  } catch (UsageError const&) {
    throw;
  } catch (std::exception const& error) {
    std::error_code ignored;
    fs::remove(folder / "trace.h5.part", ignored);
    if (!fs::exists(folder / "ranks")) throw;
    failure("{}; the shards are kept: `quartic gather {}` gathers them later", error.what(),
            folder.string());
  }
}

}  // namespace quartic::io
