"""DnCNN and FFDNet, as a stack of 3×3 convolutions with ReLU between; batch normalisation is in the weights."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .files import fill, read_convolutions


def stack(inputs: int, outputs: int, width: int, depth: int) -> nn.Sequential:
    """Returns ``depth`` convolutions with ReLU between them."""
    sizes = [inputs, *[width] * (depth - 1), outputs]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


@final
class DnCNN(nn.Module):
    """Predicts what is to be taken away. 17 convolutions for one noise level, 20 for several or other damage.

    Source: Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising (Zhang et al., 2017).
    """

    def __init__(self, channels: int = 1, depth: int = 17) -> None:
        super().__init__()
        self.body = stack(channels, channels, 64, depth)

    def forward(self, y: Tensor) -> Tensor:
        """Returns the clean image, (B, C, H, W) as y."""
        return y - self.body(y)


@final
class FFDNet(nn.Module):
    """Works on four images of half the side, and is told the noise level.

    Source: FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising (Zhang et al., 2018), section III.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        width, depth = {1: (64, 15), 3: (96, 12)}[channels]
        self.body = stack(4 * channels + 1, 4 * channels, width, depth)

    def forward(self, y: Tensor, sigma: float) -> Tensor:
        """Returns the clean image.

        Args:
            y: (B, C, H, W); odd sides are continued by a pixel.
            sigma: Of the noise, in units of the pixel value.
        """
        height, width = y.shape[-2:]
        halves = F.pixel_unshuffle(F.pad(y, (0, width % 2, 0, height % 2), mode="replicate"), 2)
        level = halves.new_full((halves.shape[0], 1, *halves.shape[-2:]), sigma)
        return F.pixel_shuffle(self.body(torch.cat([halves, level], 1)), 2)[..., :height, :width]


def load_dncnn(path: Path, channels: int = 1, depth: int = 17) -> DnCNN:
    """Returns a DnCNN with the weights of a file; errors as in `read_convolutions` and `fill`."""
    network = DnCNN(channels, depth)
    fill(network, read_convolutions(path))
    return network.eval()


def load_ffdnet(path: Path, channels: int = 1) -> FFDNet:
    """Returns an FFDNet with the weights of a file; errors as in `read_convolutions` and `fill`."""
    network = FFDNet(channels)
    convolutions = read_convolutions(path)
    if path.suffix == ".mat":  # MATLAB counts the four images down the columns, PyTorch along the rows
        order = [4 * channel + part for channel in range(channels) for part in (0, 2, 1, 3)]
        (first, first_bias), *inner, (last, last_bias) = convolutions
        level = range(4 * channels, first.shape[1])
        convolutions = [(first[:, [*order, *level]], first_bias), *inner, (last[order], last_bias[order])]
    fill(network, convolutions)
    return network.eval()
