"""The critics, and what is said to them and of them. The losses that own them are in the other files.

A critic gives logits: above 0 for what it takes for the first of two kinds. Its size depends on the configuration
alone, and it looks at each row by itself: no statistic over the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call


@final
class LatentCritic(nn.Module):
    """Dense layers from the latents of one cell to a logit.

    Args:
        latent_channels: D.
        hidden: Widths of the hidden layers.
    """

    def __init__(self, latent_channels: int, hidden: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([latent_channels, *hidden]):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Linear([latent_channels, *hidden][-1], 1))

    def forward(self, rows: Tensor) -> Tensor:
        """Returns logits (N,) of rows (N, D), in fp32."""
        logits: Tensor = self.body(rows)
        return logits.float().squeeze(1)


@final
class PatchCritic(nn.Module):
    """Strided convolutions from a picture of any size to a logit for each patch.

    Args:
        image_channels: C.
        widths: Channels of the layers, each of which halves the resolution.

    The last layer has no bias: under the hinge it would get no gradient as long as all logits are within the margin.
    """

    def __init__(self, image_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, 2, padding=1) for a, b in pairwise([image_channels, *widths]))
        self.judge = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits (N, h, w) and the last layer's features (N, c, h, w) of (N, C, H, W), in fp32."""
        for layer in self.layers:
            image = F.leaky_relu(layer(image), 0.2)
        logits: Tensor = self.judge(image)
        return logits.float().squeeze(1), image.float()


def as_judged(critic: nn.Module, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Returns what a critic says, with a gradient to what it sees and none to itself."""
    still = {name: value.detach() for name, value in critic.named_parameters()}
    said: Tensor | tuple[Tensor, Tensor] = functional_call(critic, still, (seen,))
    return said


def telling_apart(first: Tensor, second: Tensor) -> Tensor:
    """Returns the mean cross entropy of logits that should be above 0 for the first kind and below for the second."""
    return F.softplus(-first).mean() + F.softplus(second).mean()


def hinge(first: Tensor, second: Tensor) -> Tensor:
    """Returns the same question as a hinge with a margin of 1, halved: ½ E(1 − first)₊ + ½ E(1 + second)₊.

    Source: Geometric GAN (Lim and Ye, 2017), arXiv:1705.02894; halved as in VQGAN.
    """
    return 0.5 * (F.relu(1 - first).mean() + F.relu(1 + second).mean())


def cell_rows(z: Tensor) -> Tensor:
    """Returns latents (B, D) or (B, D, h, w) as rows, one for each cell, (B·h·w, D), in fp32."""
    return z.float().flatten(2).movedim(1, -1).flatten(0, 1) if z.dim() > 2 else z.float()


def permuted(rows: Tensor) -> Tensor:
    """Returns rows (N, D) with each column in an order of its own: draws of the product of the marginals."""
    order = torch.rand(rows.shape, device=rows.device).argsort(0)
    return rows.gather(0, order)
