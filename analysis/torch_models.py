"""quartic's models as PyTorch modules: the same functions, with parameters of the same names, shapes and order.

    model = Gpt(vocabulary=65, sequence=64, layers=4, width=128, heads=4)
    model.load_state_dict(torch.load("weights.pt"))

convert_parameters.py converts weights in both directions. These modules document what quartic's models compute:
tests/golden/against_torch.py checks that both agree.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


def mlp(widths: list[int], activation: str = "relu") -> nn.Sequential:
    """`--objective mlp`. `widths`: the width of the input, the width of each hidden layer, and the number of classes."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


# --objective gpt


class Attention(nn.Module):
    """Causal self-attention. The output of c_attn is queries, keys and values, concatenated in this order."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:  # [rows, tokens, width]
        rows, tokens, width = x.shape
        query, key, value = (
            part.view(rows, tokens, self.heads, -1).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=-1)
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        later = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(later, -math.inf).softmax(-1) @ value
        return self.c_proj(mixed.transpose(1, 2).reshape(rows, tokens, width))


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(functional.gelu(self.c_fc(x)))  # the exact GELU, by erf


class GptBlock(nn.Module):
    """A pre-norm block: each branch normalizes its input, and the result of the branch is added to the input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """GPT-2 (Radford et al. 2019) with the parameter names of nanoGPT. The head has no bias and does not share the embedding's weights."""

    def __init__(self, vocabulary: int, sequence: int, layers: int, width: int, heads: int) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocabulary, width),
            "wpe": nn.Embedding(sequence, width),
            "h": nn.ModuleList(GptBlock(width, heads) for _ in range(layers)),
            "ln_f": nn.LayerNorm(width),
        })
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:  # [rows, sequence] -> [rows, sequence, vocabulary]
        places = torch.arange(tokens.shape[1])
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](places)
        for block in self.transformer["h"]:
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))


# --objective conv: the forms for small images, after Simonyan and Zisserman 2015 and He et al. 2016. A smaller
# image is put into the middle of zeros; `width_factor` multiplies the channels of all layers, and `depth`, unless
# it is 0, is the largest number of convolutions or blocks in a section.


LEAST_SIDE = 32


def at_least(images: Tensor) -> Tensor:
    """Pads images [rows, channels, height, width] with zeros on all sides, to at least 32 x 32."""
    missing = [max(0, LEAST_SIDE - side) for side in images.shape[-2:]]
    top, left = (each // 2 for each in missing)
    return functional.pad(images, (left, missing[1] - left, top, missing[0] - top))


def scaled(channels: int, width_factor: float) -> int:
    return max(1, math.floor(width_factor * channels + 0.5))


def capped(full: int, depth: int) -> int:
    return min(full, depth) if depth else full


class Vgg(nn.Module):
    """vgg16, or vgg16-bn if `normalises`: sections of 3 x 3 convolutions. Each section ends by halving the image."""

    SECTIONS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

    def __init__(
        self, channels: int, classes: int, normalises: bool, width_factor: float = 1, depth: int = 0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for full, convolutions in self.SECTIONS:
            for _ in range(capped(convolutions, depth)):
                outputs = scaled(full, width_factor)
                layers.append(nn.Conv2d(channels, outputs, 3, padding=1))
                layers += [nn.BatchNorm2d(outputs)] if normalises else []
                layers.append(nn.ReLU())
                channels = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(at_least(images)).mean((2, 3)))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions with a shortcut. The 3 x 3 convolution has the stride."""

    EXPANSION = 4

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        outputs = self.EXPANSION * channels
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class ResNet(nn.Module):
    """resnet50 for small images: the first convolution is 3 x 3 with stride 1, and no pooling follows it."""

    SECTIONS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))

    def __init__(self, channels: int, classes: int, width_factor: float = 1, depth: int = 0) -> None:
        super().__init__()
        inputs = scaled(64, width_factor)
        self.conv1 = nn.Conv2d(channels, inputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        for section, (full, blocks, stride) in enumerate(self.SECTIONS, start=1):
            width = scaled(full, width_factor)
            layer = nn.Sequential()
            for block in range(capped(blocks, depth)):
                layer.append(Bottleneck(inputs, width, stride if block == 0 else 1))
                inputs = Bottleneck.EXPANSION * width
            setattr(self, f"layer{section}", layer)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.bn1(self.conv1(at_least(images))).relu()
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))
