#pragma once

#include <string>
#include <vector>

#include "quartic/nn/model.hpp"
#include "quartic/nn/network.hpp"

namespace quartic::nn {

/// vgg16, vgg16-bn, resnet50: in their forms for small images (CIFAR). Images of fewer than 32 rows
/// or columns are padded with zeros to 32. spec.width_factor multiplies all channels but the
/// image's, to at least 1; spec.depth caps the convolutions (vgg) or blocks (resnet) of each
/// section of one image size. Names of parameters are torchvision's.
std::vector<std::string> const& image_model_names();

/// The units of spec.model.
template <class T>
std::vector<Unit<T>> image_units(ModelSpec const& spec);

/// VGG-16 (Simonyan and Zisserman 2015), configuration D, with batch normalisation or without. A
/// unit is a convolution 3 x 3 with bias, [its normalisation,] ReLU, and the pooling that follows;
/// the last is the mean over the image that is left and one linear classifier: "features.0.weight",
/// …, "classifier.weight".
template <class T>
std::vector<Unit<T>> vgg_units(ModelSpec const& spec);

/// ResNet-50 (He et al. 2016; the stride is in the 3 x 3 convolution) with a stem of one
/// convolution 3 x 3. Units are the stem, each bottleneck block, and the head: "conv1.weight",
/// "layer1.0.conv1.weight", "layer1.0.downsample.0.weight", …, "fc.weight".
template <class T>
std::vector<Unit<T>> resnet_units(ModelSpec const& spec);

}  // namespace quartic::nn
