"""Critics, their losses, and the samples shown to them. The other files have the losses that own critics.

A critic returns logits, which are above 0 for the first of two kinds. Its size depends on its configuration only. Each
row is judged separately, without statistics over the batch.
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
        latent_channels: Number of latent channels D.
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
    """Strided convolutions from an image of any size to a logit for each patch.

    Args:
        image_channels: Number of image channels C.
        widths: Number of channels of each layer. Every layer halves the resolution.

    The last layer has no bias. With the hinge loss it would get no gradient while all logits are within the margin.
    """

    def __init__(self, image_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, 2, padding=1) for a, b in pairwise([image_channels, *widths]))
        self.judge = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits (N, h, w) and the last layer's features (N, c, h, w) for images (N, C, H, W), in fp32."""
        for layer in self.layers:
            image = F.leaky_relu(layer(image), 0.2)
        logits: Tensor = self.judge(image)
        return logits.float().squeeze(1), image.float()


def as_judged(critic: nn.Module, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Returns the output of a critic, with gradients to its input but not to its parameters."""
    still = {name: value.detach() for name, value in critic.named_parameters()}
    said: Tensor | tuple[Tensor, Tensor] = functional_call(critic, still, (seen,))
    return said


def telling_apart(first: Tensor, second: Tensor) -> Tensor:
    """Returns the mean cross entropy of logits that should be above 0 for the first kind and below for the second."""
    return F.softplus(-first).mean() + F.softplus(second).mean()


def hinge(first: Tensor, second: Tensor) -> Tensor:
    """Returns the hinge loss with a margin of 1, halved: ½ E(1 − first)₊ + ½ E(1 + second)₊.

    Source: Geometric GAN (Lim and Ye, 2017), arXiv:1705.02894; halved as in VQGAN.
    """
    return 0.5 * (F.relu(1 - first).mean() + F.relu(1 + second).mean())


def cell_rows(z: Tensor) -> Tensor:
    """Returns latents (B, D) or (B, D, h, w) as rows, one per cell, (B·h·w, D), in fp32."""
    return z.float().flatten(2).movedim(1, -1).flatten(0, 1) if z.dim() > 2 else z.float()


def permuted(rows: Tensor) -> Tensor:
    """Permutes each column of rows (N, D) separately. This gives samples of the product of the marginals."""
    order = torch.rand(rows.shape, device=rows.device).argsort(0)
    return rows.gather(0, order)
