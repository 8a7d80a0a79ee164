#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "quartic/engine/archive.hpp"
#include "quartic/io/h5.hpp"

namespace quartic::io {

/// A stage's file of a checkpoint, which engine::Archive's calls are turned into: groups are
/// groups, integers and numbers attributes, everything else datasets, rows of T a matrix of them.
class FileArchive : public engine::Archive {
 public:
  /// Closes, and throws Failure if that fails.
  void close();

 protected:
  explicit FileArchive(h5::File file);
  h5::File const& file() const { return file_; }
  hid_t here() const { return groups_.back().id(); }
  void enter_group(h5::Handle group) { groups_.push_back(std::move(group)); }

 private:
  void leave() noexcept override { groups_.pop_back(); }
  h5::File file_;
  std::vector<h5::Handle> groups_;  // that are open, the root first
};

class SavingArchive final : public FileArchive {
 public:
  explicit SavingArchive(std::filesystem::path const& path);
  bool restores() const override { return false; }

  void number(std::string const& name, double& value) override;
  void integers(std::string const& name, std::vector<std::int64_t>& values) override;
  void numbers(std::string const& name, std::vector<double>& values) override;
  void steps(std::string const& name, std::vector<engine::StepRow>& rows) override;

 private:
  void enter(std::string const& name) override;
  void visit_integer(std::string const& name, std::int64_t& value) override;
  bool has(std::string const&) const override { return true; }
  void visit_rows(std::string const& name, std::int64_t count, std::int64_t columns,
                  std::size_t element_bytes,
                  std::function<void*(std::int64_t)> const& row) override;
  void write_list(std::string const& name, hid_t stored, hid_t memory, std::size_t count,
                  void const* values);
};

/// Failure that names the file where it does not hold what is asked for, in the same shape.
class RestoringArchive final : public FileArchive {
 public:
  explicit RestoringArchive(std::filesystem::path const& path);
  bool restores() const override { return true; }

  void number(std::string const& name, double& value) override;
  void integers(std::string const& name, std::vector<std::int64_t>& values) override;
  void numbers(std::string const& name, std::vector<double>& values) override;
  void steps(std::string const& name, std::vector<engine::StepRow>& rows) override;

 private:
  void enter(std::string const& name) override;
  void visit_integer(std::string const& name, std::int64_t& value) override;
  bool has(std::string const& name) const override { return file().has_attribute(here(), name); }
  void visit_rows(std::string const& name, std::int64_t count, std::int64_t columns,
                  std::size_t element_bytes,
                  std::function<void*(std::int64_t)> const& row) override;
  template <class Value>
  void read_list(std::string const& name, hid_t memory, std::vector<Value>& values);
};

}  // namespace quartic::io
