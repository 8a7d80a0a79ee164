#include "quartic/core/check.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/h5.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/trace.hpp"

namespace quartic::io {
namespace {

void describe(h5::File const& file, RunInfo const& info) {
  file.set_integer(file.id(), "format_version", trace_format_version);
  file.set_text(file.id(), "method", info.method);
  file.set_integer(file.id(), "stages", info.stages);
  file.set_integer(file.id(), "ranks", info.ranks);
  file.set_integer(file.id(), "pipelines", info.pipelines);
  file.set_integer(file.id(), "steady_first", info.steady_first);
  file.set_integer(file.id(), "steady_end", info.steady_end);
  file.set_integer(file.id(), "complete", 0);
  file.set_text(file.id(), "time_unit", info.time_unit);
  for (auto const& [name, text] : info.attributes) file.set_text(file.id(), name, text);
}

// The shard is named relative to the master, so that a run folder can be moved.
void link(h5::File const& file, hid_t parent, std::string const& name, int rank,
          std::string const& target) {
  file.check(H5Lcreate_external(shard_name(rank).c_str(), target.c_str(), parent, name.c_str(),
                                H5P_DEFAULT, H5P_DEFAULT),
             "H5Lcreate_external");
}

}  // namespace

void write_master(std::filesystem::path const& folder, RunInfo const& info,
                  std::vector<engine::StageInfo> const& stages) {
  make_shard_folder(folder);
  // Aside first: when a run goes on, the earlier trace is there until every row of it is in a
  // shard.
  std::filesystem::path const aside = folder / "trace.h5.new";
  h5::File file = h5::File::create(aside);
  describe(file, info);
  {
    for (engine::StageInfo const& stage : stages) {
      h5::Handle const parent = file.ensure_group(stages_path(stage.pipeline));
      std::string const name = stage_name(stage.stage);
      link(file, parent.id(), name, stage.rank, stages_path(stage.pipeline) + "/" + name);
    }
    link(file, file.id(), "loss", info.loss_rank, "/loss");
    link(file, file.id(), "objective", info.objective_rank, "/objective");
    if (info.validation_rank >= 0) {
      link(file, file.id(), "validation", info.validation_rank, "/validation");
    }
    link(file, file.id(), "memory", 0, "/memory");
    link(file, file.id(), "ranks", 0, "/ranks");
  }
  file.close();
  try {
    put_in_place(aside, folder / "trace.h5");
  } catch (Failure const& error) {
    usage_error("{}; a run needs a writable folder", error.what());
  }
}

}  // namespace quartic::io
