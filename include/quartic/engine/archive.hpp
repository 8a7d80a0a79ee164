#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "quartic/engine/records.hpp"

namespace quartic::engine {

/// Visits the state of an object, to save it or to restore it. An object has one function for both,
/// `void state(Archive& archive)`, so what is saved and what is restored cannot come apart; where
/// the two differ (memory to be made first) it asks restores(). Names are unique in their group.
/// Every call throws Failure when the archive cannot be written, or does not hold what is asked
/// for.
class Archive {
 public:
  virtual ~Archive() = default;
  virtual bool restores() const = 0;

  /// What is visited until the returned object ends is in a group of this name.
  class Group {
   public:
    Group(Archive& archive, std::string const& name) : archive_(archive) { archive.enter(name); }
    ~Group() { archive_.leave(); }
    Group(Group const&) = delete;
    Group& operator=(Group const&) = delete;

   private:
    Archive& archive_;
  };
  [[nodiscard]] Group group(std::string const& name) { return {*this, name}; }

  /// One integer, of any width.
  template <class Integer>
  void integer(std::string const& name, Integer& value) {
    auto wide = static_cast<std::int64_t>(value);
    visit_integer(name, wide);
    value = static_cast<Integer>(wide);
  }
  /// Visits an integer that archives of earlier versions lack: there `value` keeps its value.
  template <class Integer>
  void later_integer(std::string const& name, Integer& value) {
    if (has(name)) integer(name, value);
  }
  void later_number(std::string const& name, double& value) {
    if (has(name)) number(name, value);
  }
  virtual void number(std::string const& name, double& value) = 0;
  /// Lists of any length.
  virtual void integers(std::string const& name, std::vector<std::int64_t>& values) = 0;
  virtual void numbers(std::string const& name, std::vector<double>& values) = 0;
  virtual void steps(std::string const& name, std::vector<StepRow>& rows) = 0;
  /// `count` rows of `columns` elements each, as one array; `row(i)` is where row i lies, which
  /// must be there when restoring. Without elements there is no array.
  template <class T>
  using Row = std::function<std::span<T>(std::int64_t)>;
  template <class T>
  void rows(std::string const& name, std::int64_t count, std::int64_t columns, Row<T> const& row) {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    visit_rows(name, count, columns, sizeof(T),
               [&](std::int64_t i) { return static_cast<void*>(row(i).data()); });
  }
  template <class T>
  void array(std::string const& name, std::span<T> values) {
    rows<T>(name, 1, std::ssize(values), [&](std::int64_t) { return values; });
  }

 private:
  virtual void enter(std::string const& name) = 0;
  virtual void leave() noexcept = 0;
  virtual void visit_integer(std::string const& name, std::int64_t& value) = 0;
  /// Whether there is a value of this name to read; where values are written, always.
  virtual bool has(std::string const& name) const = 0;
  /// `element_bytes`: 4 for float, 8 for double.
  virtual void visit_rows(std::string const& name, std::int64_t count, std::int64_t columns,
                          std::size_t element_bytes,
                          std::function<void*(std::int64_t)> const& row) = 0;
};

/// Failure unless what was restored can be the state of a run.
void require_restored(bool right, std::string_view what);

/// Visits one integer of each element of a sequence, as a list: `of(element)` is a reference to it.
template <class Sequence, class Of>
void integers_of(Archive& archive, std::string const& name, Sequence&& sequence, Of of) {
  std::vector<std::int64_t> values;
  values.reserve(std::size(sequence));
  for (auto& element : sequence) values.push_back(static_cast<std::int64_t>(of(element)));
  archive.integers(name, values);
  require_restored(values.size() == std::size(sequence), name);
  std::size_t i = 0;
  for (auto& element : sequence) {
    auto& value = of(element);
    value = static_cast<std::remove_reference_t<decltype(value)>>(values.at(i++));
  }
}

/// In a group "rows".
void visit(Archive& archive, RecordedTables& tables);

}  // namespace quartic::engine
