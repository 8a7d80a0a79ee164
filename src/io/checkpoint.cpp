#include "quartic/io/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <utility>

#include "checkpoint_archive.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/disk.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

constexpr char const* manifest_name = "manifest";
constexpr char const* aside = ".part";
constexpr char const* given_up = ".old";
constexpr char const* sum = ".crc32";  // beside a file until the manifest has it
/// The live weights of the first replica, in a stage's file.
constexpr char const* weights_path = "/weights/replica_0000/weights";

fs::path folder_of(fs::path const& checkpoints, std::int64_t position) {
  return checkpoints / fmt::format("{:012}", position);
}

std::string name_of(engine::Seat seat) {
  return fmt::format("{:04}-{:04}.h5", seat.pipeline, seat.stage);
}

fs::path with(fs::path path, char const* ending) {
  path += ending;
  return path;
}

/// `/parameters/NAME`: each a view of the live weights, which are there once.
void show_parameters(h5::File const& file, std::vector<NamedPart> const& parts) {
  h5::Handle const weights = file.open_dataset(file.id(), weights_path);
  h5::Handle const type = file.own(H5Dget_type(weights.id()), H5Tclose, "H5Dget_type");
  h5::Handle const source = file.own(H5Dget_space(weights.id()), H5Sclose, "H5Dget_space");
  std::array<hsize_t, 2> shape{};
  file.check(H5Sget_simple_extent_dims(source.id(), shape.data(), nullptr),
             "H5Sget_simple_extent_dims");
  h5::Handle const group = file.create_group(file.id(), "parameters");
  for (NamedPart const& part : parts) {
    std::vector<hsize_t> const lengths(part.shape.begin(), part.shape.end());
    h5::Handle const space =
        file.own(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                 H5Sclose, "H5Screate_simple");
    auto const elements = static_cast<hsize_t>(H5Sget_simple_extent_npoints(space.id()));
    std::array<hsize_t, 2> const first{shape[0] - 1, static_cast<hsize_t>(part.offset)};
    std::array<hsize_t, 2> const size{1, elements};
    file.check(H5Sselect_hyperslab(source.id(), H5S_SELECT_SET, first.data(), nullptr, size.data(),
                                   nullptr),
               "H5Sselect_hyperslab");
    h5::Handle const properties = file.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
    file.check(H5Pset_virtual(properties.id(), space.id(), ".", weights_path, source.id()),
               "H5Pset_virtual");
    static_cast<void>(file.own(H5Dcreate2(group.id(), part.name.c_str(), type.id(), space.id(),
                                          H5P_DEFAULT, properties.id(), H5P_DEFAULT),
                               H5Dclose, "H5Dcreate2"));
  }
}

void write_text(fs::path const& path, std::string const& text) {
  std::ofstream out(path, std::ios::binary);
  out << text << std::flush;
  if (!out) failure("{}: cannot be written", path.string());
}

/// On the disk, and its checksum beside it. No HDF5: a thread of its own does this.
void sync_files(std::vector<fs::path> const& files) {
  for (fs::path const& file : files) {
    sync_to_disk(file);
    write_text(with(file, sum),
               fmt::format("{:08x} {}", checksum_of_file(file.string()), fs::file_size(file)));
  }
}

/// Folders that have the name of a finished checkpoint. Failure where it is not known whether there
/// are any: a run may be begun anew only where there are none.
std::vector<fs::path> whole_ones(fs::path const& checkpoints) {
  constexpr char const* digits = "0123456789";
  std::vector<fs::path> found;
  try {
    if (!fs::exists(fs::symlink_status(checkpoints))) return {};
    for (fs::directory_entry const& entry : fs::directory_iterator(checkpoints)) {
      bool const whole =
          entry.path().filename().string().find_first_not_of(digits) == std::string::npos;
      if (whole && entry.is_directory()) found.push_back(entry.path());
    }
  } catch (fs::filesystem_error const& error) {
    failure("{}: cannot be read: {}", checkpoints.string(), error.code().message());
  }
  return found;
}

/// Under another name first: half of one must not pass for a whole one. What cannot be removed now
/// is the next time.
void remove_whole(fs::path const& checkpoint) {
  std::error_code next_time;
  fs::rename(checkpoint, with(checkpoint, given_up), next_time);
  if (!next_time) fs::remove_all(with(checkpoint, given_up), next_time);
}

CheckpointManifest::File take_sum(fs::path const& path) {
  std::ifstream in(path);
  CheckpointManifest::File file;
  if (!(in >> std::hex >> file.checksum >> std::dec >> file.bytes))
    failure("{}: cannot be read", path.string());
  fs::remove(path);
  return file;
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path const& run,
                                   std::function<std::vector<NamedPart>(engine::Seat)> parts,
                                   std::map<std::string, std::string> about)
    : folder_(run / "checkpoint"), parts_(std::move(parts)), about_(std::move(about)) {}

CheckpointFolder::~CheckpointFolder() {
  if (syncing_.valid()) syncing_.wait();
}

void CheckpointFolder::save(std::int64_t position, engine::Seat seat, State const& state) {
  fs::path const folder = with(folder_of(folder_, position), aside);
  fs::path const path = folder / name_of(seat);
  try {
    fs::create_directories(folder);
    SavingArchive archive(path);
    state(archive);
    archive.close();
    h5::File file = h5::File::open(path, H5F_ACC_RDWR);
    show_parameters(file, parts_(seat));
    file.close();
  } catch (std::exception const& error) {
    failure("the checkpoint cannot be written: {}; the previous checkpoint is kept", error.what());
  }
  saved_ = position;
  files_.push_back(path);
}

void CheckpointFolder::start_syncing() {
  if (syncing_.valid() || files_.empty()) return;
  syncing_ = std::async(std::launch::async, sync_files, std::exchange(files_, {}));
}

std::int64_t CheckpointFolder::written() {
  start_syncing();
  bool const ready =
      syncing_.valid() && syncing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (ready) finish();
  return written_;
}

void CheckpointFolder::finish() {
  start_syncing();
  if (!syncing_.valid()) return;
  syncing_.get();
  written_ = saved_;
}

void CheckpointFolder::commit(engine::Checkpoint const& checkpoint, std::int64_t lasting) {
  fs::path const folder = folder_of(folder_, checkpoint.position);
  fs::path const part = with(folder, aside);
  try {
    CheckpointManifest manifest{checkpoint, about_, {}};
    for (fs::directory_entry const& entry : fs::directory_iterator(part)) {
      if (entry.path().extension() == ".h5")
        manifest.files[entry.path().filename().string()] = take_sum(with(entry.path(), sum));
    }
    write_text(part / manifest_name, manifest_text(manifest));
    sync_to_disk(part / manifest_name);
    fs::remove_all(folder);  // of a run that was not told to go on from it
    put_in_place(part, folder);
  } catch (std::exception const& error) {
    failure("the checkpoint cannot be finished: {}; the previous checkpoint is kept", error.what());
  }
  for (fs::path const& other : whole_ones(folder_)) {
    if (other < folder && other != folder_of(folder_, lasting)) remove_whole(other);
  }
}

void CheckpointFolder::restore(std::int64_t position, engine::Seat seat, State const& state) {
  RestoringArchive archive(folder_of(folder_, position) / name_of(seat));
  state(archive);
}

bool CheckpointFolder::any(fs::path const& run) {
  return !whole_ones(run / "checkpoint").empty();
}

std::vector<std::int64_t> CheckpointFolder::positions(fs::path const& run) {
  std::vector<std::int64_t> all;
  for (fs::path const& folder : whole_ones(run / "checkpoint"))
    all.push_back(std::stoll(folder.filename().string()));
  std::sort(all.begin(), all.end(), std::greater<>());
  return all;
}

CheckpointManifest CheckpointFolder::manifest(fs::path const& run, std::int64_t position) {
  std::string const path = (folder_of(run / "checkpoint", position) / manifest_name).string();
  if (!fs::exists(path))
    usage_error(
        "{}: is missing or damaged; remove its folder to resume from an earlier checkpoint, or "
        "from the start",
        path);
  return parse_manifest(read_bytes(path), path);
}

void CheckpointFolder::verify(fs::path const& run, CheckpointManifest const& manifest,
                              std::span<engine::Seat const> seats) {
  fs::path const folder = folder_of(run / "checkpoint", manifest.checkpoint.position);
  for (engine::Seat const seat : seats) {
    std::string const path = (folder / name_of(seat)).string();
    auto const known = manifest.files.find(name_of(seat));
    std::error_code error;
    bool const right = known != manifest.files.end() &&
                       fs::file_size(path, error) == known->second.bytes && !error &&
                       checksum_of_file(path) == known->second.checksum;
    if (right) continue;
    usage_error(
        "{}: is missing or damaged; remove {} to resume from an earlier checkpoint, or from the "
        "start",
        path, folder.string());
  }
}

void CheckpointFolder::remove_parts(fs::path const& run) {
  std::vector<fs::path> found;
  std::error_code none_yet;
  for (fs::directory_entry const& entry : fs::directory_iterator(run / "checkpoint", none_yet)) {
    fs::path const ending = entry.path().extension();
    if (ending == aside || ending == given_up) found.push_back(entry.path());
  }
  for (fs::path const& folder : found) fs::remove_all(folder);
}

void CheckpointFolder::remove_beyond(fs::path const& run, std::int64_t position) {
  fs::path const checkpoints = run / "checkpoint";
  for (fs::path const& folder : whole_ones(checkpoints)) {
    if (folder > folder_of(checkpoints, position)) remove_whole(folder);
  }
}

engine::RecordedTables CheckpointFolder::recorded(fs::path const& run, std::int64_t position,
                                                  engine::Seat seat) {
  RestoringArchive archive(folder_of(run / "checkpoint", position) / name_of(seat));
  engine::RecordedTables tables;
  visit(archive, tables);
  return tables;
}

}  // namespace quartic::io
