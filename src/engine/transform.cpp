#include "quartic/engine/transform.hpp"

#include <cmath>

#include "quartic/compute/bend.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {
namespace {

template <class T>
std::int64_t bytes_of(compute::Buffer<T> const& values) {
  return values.size() * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
compute::Buffer<T> copy_of(std::span<T const> values) {
  compute::Buffer<T> copy(std::ssize(values));
  compute::copy<T>(values, copy.view());
  return copy;
}

/// ω·stale + (1−ω)·live. Weights that are wholly the one or the other are read where they are.
template <class T>
class Blend final : public Transform<T> {
 public:
  Blend(double lambda, std::int64_t parameters) : lambda_(lambda), blended_(parameters) {}

  std::span<T const> backward(plan::Read const& read, std::int64_t,
                              WeightStore<T> const& store) override {
    std::int64_t const drift = read.second - read.version;
    double const omega = drift == 0 ? 1 : std::exp(-lambda_ * static_cast<double>(drift));
    if (omega == 1) return store.read(read.version);
    if (omega == 0) return store.read(read.second);
    if (read.version != stale_ || read.second != live_) {
      compute::blend<T>(omega, store.read(read.version), store.read(read.second), blended_.view());
      stale_ = read.version;
      live_ = read.second;
    }
    return blended_.view();
  }
  void updated(WeightStore<T> const&, double) override { live_ = -1; }
  void replaced(WeightStore<T> const&) override { live_ = -1; }
  std::int64_t bytes() const override { return bytes_of(blended_); }

 private:
  double lambda_;
  compute::Buffer<T> blended_;
  std::int64_t stale_ = -1;  // what blended_ is made of
  std::int64_t live_ = -1;
};

/// live − τ·u, for backwards that drift.
template <class T>
class Correct final : public Transform<T> {
 public:
  Correct(double decay, double distance, std::span<T const> start)
      : correction_{std::pow(decay, 1 / distance), distance},
        last_(copy_of(start)),
        mean_update_(std::ssize(start)),
        corrected_(copy_of(start)) {}

  std::span<T const> backward(plan::Read const& read, std::int64_t forward,
                              WeightStore<T> const& store) override {
    if (read.version == forward) return store.read(read.version);
    return corrected_.view();
  }
  void updated(WeightStore<T> const& store, double) override {
    compute::correct<T>(correction_, store.read_live(), last_.view(), mean_update_.view(),
                        corrected_.view());
  }
  void replaced(WeightStore<T> const& store) override {  // which is no update to remember
    compute::Correction const only_distance{1, correction_.distance};
    compute::correct<T>(only_distance, store.read_live(), last_.view(), mean_update_.view(),
                        corrected_.view());
  }
  std::int64_t bytes() const override { return 3 * bytes_of(last_); }
  void state(Archive& archive, WeightStore<T> const& store) override {
    visit_array<T>(archive, "mean_update", mean_update_.view());
    if (archive.restores()) replaced(store);
  }

 private:
  compute::Correction correction_;
  compute::Buffer<T> last_;
  compute::Buffer<T> mean_update_;
  compute::Buffer<T> corrected_;
};

/// live − n·rate·velocity, for forwards that are n updates ahead.
template <class T>
class Predict final : public Transform<T> {
 public:
  Predict(nn::Optimizer<T>& optimizer, std::int64_t parameters)
      : optimizer_(optimizer), predicted_(parameters) {}

  std::span<T const> forward(plan::Read const& read, WeightStore<T> const& store) override {
    if (read.ahead == 0) return store.read(read.version);
    if (read.ahead != ahead_) {
      compute::predict<T>(static_cast<double>(read.ahead) * learning_rate_,
                          store.read(read.version), optimizer_.state(), predicted_.view());
      ahead_ = read.ahead;
    }
    return predicted_.view();
  }
  void updated(WeightStore<T> const&, double learning_rate) override {
    learning_rate_ = learning_rate;
    ahead_ = 0;
  }
  void replaced(WeightStore<T> const&) override { ahead_ = 0; }
  std::int64_t bytes() const override { return bytes_of(predicted_); }
  void state(Archive& archive, WeightStore<T> const&) override {
    archive.number("learning_rate", learning_rate_);
    if (archive.restores()) ahead_ = 0;
  }

 private:
  nn::Optimizer<T>& optimizer_;
  compute::Buffer<T> predicted_;
  std::int64_t ahead_ = 0;  // what predicted_ is for, 0: nothing
  double learning_rate_ = 0;
};

}  // namespace

template <class T>
std::unique_ptr<Transform<T>> make_transform(plan::Rules const& rules, int stage,
                                             WeightStore<T> const& store,
                                             nn::Optimizer<T>& optimizer) {
  using Kind = plan::Transform::Kind;
  std::span<T const> const start = store.read_live();
  double const drift = static_cast<double>(rules.shape.stages - 1 - stage) /
                       static_cast<double>(rules.shape.accumulate);
  switch (rules.transform.kind) {
    case Kind::blend:
      return std::make_unique<Blend<T>>(rules.transform.parameter, std::ssize(start));
    case Kind::correct:
      if (drift == 0) break;
      return std::make_unique<Correct<T>>(rules.transform.parameter, drift, start);
    case Kind::predict:
      return std::make_unique<Predict<T>>(optimizer, std::ssize(start));
    case Kind::none:
      break;
  }
  return std::make_unique<Transform<T>>();
}

template std::unique_ptr<Transform<float>> make_transform(plan::Rules const&, int,
                                                          WeightStore<float> const&,
                                                          nn::Optimizer<float>&);
template std::unique_ptr<Transform<double>> make_transform(plan::Rules const&, int,
                                                           WeightStore<double> const&,
                                                           nn::Optimizer<double>&);

}  // namespace quartic::engine
