"""IMDN and PAN, two small networks for super-resolution. Parameters are named as in their public files."""

from __future__ import annotations

from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.errors import TensorMismatch

from .files import read_state


def conv(inputs: int, outputs: int, side: int = 3, bias: bool = True) -> nn.Conv2d:
    """Returns a convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=bias)


class ContrastAttention(nn.Module):
    """Weighs channels by the sum of their mean and standard deviation over the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            conv(channels, channels // 16, 1), nn.ReLU(), conv(channels // 16, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns x, (B, C, H, W), weighed."""
        deviation, mean = torch.std_mean(x, dim=(2, 3), correction=0, keepdim=True)
        return x * self.conv_du(deviation + mean)


class DistillationBlock(nn.Module):
    """Four convolutions, of which each of the first three sets a quarter of its channels aside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept = width // 4
        rest = width - self.kept
        self.c1, self.c2, self.c3 = conv(width, width), conv(rest, width), conv(rest, width)
        self.c4, self.c5 = conv(rest, self.kept), conv(width, width, 1)
        self.cca = ContrastAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns features of x's shape."""
        kept, rest = [], x
        for layer in (self.c1, self.c2, self.c3):
            features = F.leaky_relu(layer(rest), 0.05)
            kept.append(features[:, : self.kept])
            rest = features[:, self.kept :]
        return x + self.c5(self.cca(torch.cat([*kept, self.c4(rest)], 1)))


@final
class IMDN(nn.Module):
    """Six blocks at the small size, all of them gathered, then shuffled into pixels.

    Source: Lightweight Image Super-Resolution with Information Multi-distillation Network (Hui et al., 2019).
    """

    def __init__(self, factor: int, width: int = 64) -> None:
        super().__init__()
        self.fea_conv = conv(3, width)
        self.names = [f"IMDB{i}" for i in range(1, 7)]
        for name in self.names:
            self.add_module(name, DistillationBlock(width))
        self.c = nn.Sequential(conv(6 * width, width, 1), nn.LeakyReLU(0.05))
        self.LR_conv = conv(width, width)
        self.upsampler = nn.Sequential(conv(width, 3 * factor**2), nn.PixelShuffle(factor))

    def forward(self, y: Tensor) -> Tensor:
        """Returns (B, 3, factor·H, factor·W) of y, RGB (B, 3, H, W) in [0, 1]."""
        features = [self.fea_conv(y)]
        for name in self.names:
            features.append(self.get_submodule(name)(features[-1]))
        gathered: Tensor = self.upsampler(features[0] + self.LR_conv(self.c(torch.cat(features[1:], 1))))
        return gathered


class PixelAttention(nn.Module):
    """Weighs every value by a sigmoid of its pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x, weighed."""
        return x * torch.sigmoid(self.conv(x))


class AttendedConvolution(nn.Module):
    """Two convolutions, with pixel attention between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.k2 = conv(width, width, 1)
        self.k3, self.k4 = conv(width, width, bias=False), conv(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns features of x's shape."""
        features: Tensor = self.k4(self.k3(x) * torch.sigmoid(self.k2(x)))
        return features


class SelfCalibratedBlock(nn.Module):
    """Two branches of half the width, one with pixel attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1_a, self.conv1_b = conv(width, half, 1, bias=False), conv(width, half, 1, bias=False)
        self.k1 = nn.Sequential(conv(half, half, bias=False))
        self.PAConv = AttendedConvolution(half)
        self.conv3 = conv(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns features of x's shape."""
        branches = ((self.conv1_a, self.k1), (self.conv1_b, self.PAConv))
        halves = [F.leaky_relu(body(F.leaky_relu(head(x), 0.2)), 0.2) for head, body in branches]
        return x + self.conv3(torch.cat(halves, 1))


@final
class PAN(nn.Module):
    """Sixteen blocks at the small size, then enlarged once, or twice for a factor of 4; adds to the bilinear image.

    Source: Efficient Image Super-Resolution Using Pixel Attention (Zhao et al., 2020).
    """

    def __init__(self, factor: int, width: int = 40, upper: int = 24) -> None:
        super().__init__()
        self.factor = factor
        self.steps = [2, 2] if factor == 4 else [factor]
        self.conv_first, self.trunk_conv = conv(3, width), conv(width, width)
        self.SCPA_trunk = nn.Sequential(*(SelfCalibratedBlock(width) for _ in range(16)))
        for i in range(1, len(self.steps) + 1):
            self.add_module(f"upconv{i}", conv(width if i == 1 else upper, upper))
            self.add_module(f"att{i}", PixelAttention(upper))
            self.add_module(f"HRconv{i}", conv(upper, upper))
        self.conv_last = conv(upper, 3)

    def forward(self, y: Tensor) -> Tensor:
        """Returns (B, 3, factor·H, factor·W) of y, RGB (B, 3, H, W) in [0, 1]."""
        features = self.conv_first(y)
        features = features + self.trunk_conv(self.SCPA_trunk(features))
        for i, step in enumerate(self.steps, 1):
            enlarge, attend, smooth = (self.get_submodule(f"{part}{i}") for part in ("upconv", "att", "HRconv"))
            features = F.leaky_relu(attend(enlarge(F.interpolate(features, scale_factor=step))), 0.2)
            features = F.leaky_relu(smooth(features), 0.2)
        smooth_image = F.interpolate(y, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return smooth_image + self.conv_last(features)


def load(network: nn.Module, path: Path) -> nn.Module:
    """Gives a network the weights of a file.

    Raises:
        WeightsError: It is not a file of tensors.
        TensorMismatch: Its tensors are not the network's.
    """
    try:
        network.load_state_dict(read_state(path))
    except RuntimeError as error:
        raise TensorMismatch(f"{path.name} does not fit {type(network).__name__}: {error}", value=str(path)) from error
    return network.eval()
