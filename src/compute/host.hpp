#pragma once

#include "quartic/compute/activation.hpp"
#include "quartic/compute/attention.hpp"
#include "quartic/compute/bend.hpp"
#include "quartic/compute/convolution.hpp"
#include "quartic/compute/embedding.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/image.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/compute/sparse.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/compute/vector.hpp"

/// The host's kernels in a build that has the device's too: same names, arguments and meaning as in
/// the headers. In a build without device code host_*.cpp define the headers' functions themselves,
/// and nothing is declared here: QUARTIC_HOST_KERNELS (CMakeLists.txt) names the namespace.
namespace quartic::compute::host {

std::int64_t scratch_size(Convolution const& shape, std::int64_t images);

template <class T>
void relu_forward(std::span<T const> x, std::span<T> y);
template <class T>
void relu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx);
template <class T>
void tanh_forward(std::span<T const> x, std::span<T> y);
template <class T>
void tanh_backward(std::span<T const> y, std::span<T const> dy, std::span<T> dx);
template <class T>
void gelu_forward(std::span<T const> x, std::span<T> y);
template <class T>
void gelu_backward(std::span<T const> x, std::span<T const> dy, std::span<T> dx);
template <class T>
void causal_softmax(std::int64_t first_query, T scale, Matrix<T> scores);
template <class T>
void causal_softmax_backward(std::int64_t first_query, T scale, ConstMatrix<T> probabilities,
                             Matrix<T> gradient);
template <class T>
void blend(double omega, std::span<T const> a, std::span<T const> b, std::span<T> out);
template <class T>
void bend(std::span<Term<T> const> terms, std::span<T> out);
template <class T>
void add_to_mean_update(double decay, std::span<T const> w, std::span<T> last, std::span<T> u);
template <class T>
void add_compensated(double factor, std::span<T const> live, std::span<T const> read,
                     std::span<T> g, std::span<T> sum);
template <class T>
void adam_direction(AdamStep step, std::span<T const> from, std::span<T const> m,
                    std::span<T const> v, std::span<T> to);
template <class T>
void outer_step(OuterStep step, std::span<T> mean, std::span<T> old, std::span<T> m);
template <class T>
void convolution_forward(Convolution const& shape, std::int64_t images, std::span<T const> w,
                         std::span<T const> x, std::span<T> y, std::span<T> scratch);
template <class T>
void convolution_input_gradient(Convolution const& shape, std::int64_t images, std::span<T const> w,
                                std::span<T const> dy, std::span<T> dx, std::span<T> scratch);
template <class T>
void convolution_weight_gradient(Convolution const& shape, std::int64_t images,
                                 std::span<T const> x, std::span<T const> dy, std::span<T> dw,
                                 std::span<T> scratch);
template <class T>
void add_channel_bias(std::span<T const> bias, std::int64_t pixels, std::span<T> y);
template <class T>
void add_channel_sums(std::int64_t pixels, std::span<T const> x, std::span<T> sum);
template <class T>
void embedding_forward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                       std::span<T const> tokens, std::span<T const> positions, std::span<T> y);
template <class T>
void embedding_backward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                        std::span<T const> dy, std::span<T> dtokens, std::span<T> dpositions);
template <class T>
void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c);
template <class T>
void gemv(T alpha, ConstMatrix<T> a, std::span<T const> x, T beta, std::span<T> y);
template <class T>
void max_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                      std::span<T> y, std::span<T> place);
template <class T>
void max_pool_backward(Window const& window, std::int64_t images, std::span<T const> place,
                       std::span<T const> dy, std::span<T> dx);
template <class T>
void average_pool_forward(Window const& window, std::int64_t images, std::span<T const> x,
                          std::span<T> y);
template <class T>
void average_pool_backward(Window const& window, std::int64_t images, std::span<T const> dy,
                           std::span<T> dx);
template <class T>
void batch_statistics(Batches const& shape, std::span<T const> x, std::span<T> mean,
                      std::span<T> variance);
template <class T>
void normalise(Batches const& shape, double epsilon, std::span<T const> w, std::span<T const> b,
               std::span<T const> mean, std::span<T const> variance, std::span<T const> x,
               std::span<T> y);
template <class T>
void normalise_sums(Batches const& shape, double epsilon, std::span<T const> mean,
                    std::span<T const> variance, std::span<T const> x, std::span<T const> dy,
                    std::span<T> dw, std::span<T> db);
template <class T>
void normalise_backward(Batches const& shape, double epsilon, std::span<T const> w,
                        std::span<T const> mean, std::span<T const> variance, std::span<T const> dw,
                        std::span<T const> db, std::span<T const> x, std::span<T const> dy,
                        std::span<T> dx);
template <class T>
void pad_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                std::int64_t y_width, std::span<T const> x, std::span<T> y);
template <class T>
void crop_planes(std::int64_t height, std::int64_t width, std::int64_t y_height,
                 std::int64_t y_width, std::span<T const> dy, std::span<T> dx);
template <class T>
void layer_norm_forward(std::span<T const> x, std::span<T const> weight, std::span<T const> bias,
                        std::span<T> y, std::span<T> statistics);
template <class T>
void layer_norm_backward_input(std::span<T const> x, std::span<T const> weight,
                               std::span<T const> statistics, std::span<T const> dy,
                               std::span<T> dx);
template <class T>
void layer_norm_backward_weight(std::span<T const> x, std::span<T const> statistics,
                                std::span<T const> dy, std::span<T> dweight, std::span<T> dbias);
template <class T>
LossSum squared_error(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient);
template <class T>
LossSum log_loss(std::span<T const> z, std::span<T const> y, T scale, std::span<T> gradient);
template <class T>
LossSum softmax_cross_entropy(std::int64_t classes, std::span<T const> z,
                              std::span<std::int32_t const> labels, T scale, std::span<T> gradient);
template <class T>
void spmv_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y);
template <class T>
void spmv_transposed_add(CompressedRows<T> a, std::span<T const> x, std::span<T> y);
template <class T>
void spmm_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x, std::span<T> y);
template <class T>
void spmm_transposed_add(CompressedRows<T> a, std::int64_t vectors, std::span<T const> x,
                         std::span<T> y);
template <class T>
double sgd_update(SgdStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient);
template <class T>
double momentum_update(MomentumStep step, std::span<T const> from, std::span<T> to,
                       std::span<T> gradient, std::span<T> velocity);
template <class T>
double adam_update(AdamStep step, std::span<T const> from, std::span<T> to, std::span<T> gradient,
                   std::span<T> m, std::span<T> v);
template <class T>
void copy(std::span<T const> from, std::span<T> to);
template <class T>
void fill(T value, std::span<T> to);
template <class T>
void scale(T alpha, std::span<T> y);
template <class T>
void add_scaled(T alpha, std::span<T const> x, std::span<T> y);
template <class T>
double dot(std::span<T const> x, std::span<T const> y);
template <class T>
double sum_of_squares(std::span<T const> x);
template <class T>
double squared_distance(std::span<T const> x, std::span<T const> y);
template <class T>
bool is_finite(std::span<T const> x);
template <class T>
void fill_rows(std::span<T const> row, Matrix<T> y);
template <class T>
void add_column_sums(ConstMatrix<T> x, std::span<T> sum);
template <class T>
void transpose(ConstMatrix<T> from, std::span<T> to);

}  // namespace quartic::compute::host
