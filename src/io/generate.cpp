#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

// The data belongs to its recipe, not to the run: its streams have a seed of their own. Which of
// them a draw comes from is part of the recipe: append only. generate_images.cpp has 3, 4 and 5,
// generate_text.cpp 6 and 7.
constexpr std::uint64_t seed = 0;
constexpr std::uint32_t solution_index = 0;
constexpr std::uint32_t row_index = 1;
constexpr std::uint32_t label_index = 2;

// X and w* standard normal; y = X w*, or a coin that shows 1 with probability 1/(1+exp(-X w*)).
class LinearGenerator final : public TypedReader<LinearGenerator> {
 public:
  LinearGenerator(bool logistic, GeneratedSize const& size) : logistic_(logistic) {
    std::string const name = logistic ? "logistic" : "quadratic";
    shape_ = {size.rows, size.features,
              fmt::format("generate:{} rows={} features={}", name, size.rows, size.features)};
    classes_ = logistic ? 2 : 0;
    facts_ = {.format = "generate:" + name, .kind = "numbers"};
    solution_.resize(static_cast<std::size_t>(size.features));
    Stream(seed, StreamName::data, solution_index).normals(solution_);
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    DenseFeatures<T> features{shape_.rows, columns.size, {}};
    features.values.reserve(static_cast<std::size_t>(shape_.rows * columns.size));
    std::vector<T> targets;
    std::vector<double> x(solution_.size());
    for (std::int64_t row = 0; row < shape_.rows; ++row) {
      Stream(seed, StreamName::data, row_index, static_cast<std::uint64_t>(row)).normals(x);
      auto const begin = x.begin() + columns.first;
      features.values.insert(features.values.end(), begin, begin + columns.size);
      targets.push_back(static_cast<T>(target(row, x)));
    }
    return {std::move(features), std::move(targets)};
  }

 private:
  double target(std::int64_t row, std::vector<double> const& x) const {
    double product = 0;
    for (std::size_t i = 0; i < x.size(); ++i) product += x[i] * solution_[i];
    if (!logistic_) return product;
    Stream coin(seed, StreamName::data, label_index, static_cast<std::uint64_t>(row));
    return coin.uniform() < 1 / (1 + std::exp(-product)) ? 1 : 0;
  }

  bool logistic_;
  std::vector<double> solution_;
};

void check_size(std::string const& name, GeneratedSize const& size) {
  constexpr std::int64_t most = std::int64_t{1} << 33;
  bool const text = name == "text";
  std::int64_t const columns = text ? size.sequence : size.features;
  if (size.rows < 1) usage_error("--rows {}: must be at least 1", size.rows);
  if (columns < 1)
    usage_error("--{} {}: must be at least 1", text ? "sequence" : "features", columns);
  if (size.rows > most / columns) {
    usage_error("generate:{}: {} rows of {} {} exceed the limit of {} numbers", name, size.rows,
                columns, text ? "tokens" : "features", most);
  }
}

/// What the targets are, and which generators have them.
struct Wanted {
  char const* meaning;
  char const* fitting;
};

Wanted wanted(Targets targets) {
  switch (targets) {
    case Targets::real:
      return {"real numbers", "generate:quadratic, generate:logistic, generate:images"};
    case Targets::binary:
      return {"labels 0 and 1", "generate:logistic, generate:images with --classes 2"};
    case Targets::classes:
      return {"classes", "generate:logistic, generate:images"};
    case Targets::tokens:
      return {"tokens", "generate:text"};
  }
  return {};
}

[[noreturn]] void refuse(std::string const& name, Targets targets) {
  auto const [meaning, fitting] = wanted(targets);
  usage_error("generate:{}: this objective needs {}; valid: {}", name, meaning, fitting);
}

}  // namespace

std::unique_ptr<Reader> open_generator(std::string const& name, Targets targets,
                                       GeneratedSize size) {
  bool const images = name == "images";
  bool const text = name == "text";
  if (size.features == 0) size.features = images ? 784 : 64;
  if (!images && !text && name != "logistic" && name != "quadratic") refuse(name, targets);
  if (text != (targets == Targets::tokens)) refuse(name, targets);
  if (name == "quadratic" && targets != Targets::real) refuse(name, targets);
  check_size(name, size);
  if (images) return open_generated_images(targets, size);
  if (text) return open_generated_text(size);
  return std::make_unique<LinearGenerator>(name == "logistic", size);
}

}  // namespace quartic::io
