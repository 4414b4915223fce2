"""Denoising learned from noisy pictures alone: to each the same noise is added, and subtracted from its target."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor

from vaezoo.core import Batch
from vaezoo.data.sets import Images
from vaezoo.image.damage.noise import noise_level
from vaezoo.train.damages.crops import check_fit, draw_region, equal_channels, patches_per_epoch
from vaezoo.train.damages.patches import grained, is_gray
from vaezoo.train.recipe import DataRecipe

RECORRUPTION = (0.3, 1.0)
"""Range of τ in `recorrupted`."""


@final
class Recorruptions:
    """Random square crops of noisy pictures, each from a picture drawn uniformly, `recorrupted`."""

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int) -> None:
        self.images, self.data, self.seed = images, data, seed
        self.pictures = [array for source in images for array in source.pixels]
        self.levels = self._levels()
        self.gray = [is_gray(array) for array in self.pictures]  # so is the noise in them
        check_fit(self.pictures, data.patch, data)

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`vaezoo.train.data.Source.steps_per_epoch`."""
        return patches_per_epoch(self.pictures, batch, self.data.patch)

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """See :meth:`vaezoo.train.data.Source.batch`."""
        side, channels = self.data.patch, self.pictures[0].shape[2]
        patches = np.empty((len(rows), side, side, channels), np.uint8)
        seeds, grays, chosen = [], [], []
        for i, row in enumerate(rows):
            rng = np.random.default_rng((self.seed, step, row))
            picture = int(rng.integers(len(self.pictures)))
            chosen.append(picture)
            region = draw_region(self.pictures[picture], rng, side, self.data)
            rng.random()  # where `vaezoo.train.data.Patches` draws a level, from which recipes began
            seeds.append(int(rng.integers(2**63)))
            grays.append(self.gray[picture] or (self.data.gray_share > 0 and rng.random() < self.data.gray_share))
            region = equal_channels(region) if grays[-1] else region
            if self.data.grain > 0 and rng.random() < self.data.grain:
                region = grained(region, rng)
            patches[i] = region
        x = torch.from_numpy(patches).to(device).permute(0, 3, 1, 2).float().contiguous().div_(255)
        noise = normal(x, seeds, grays)
        shares = torch.tensor([np.random.default_rng((seed,)).uniform(*RECORRUPTION) for seed in seeds])
        return recorrupted(x, noise, torch.tensor([self.levels[i] for i in chosen]), shares)

    def _levels(self) -> list[float]:
        """Returns the noise of each picture, in units of the pixel value: what the recipe says, or estimates."""
        if self.data.sigma[1] > 0:
            return [self.data.sigma[1] / 255] * len(self.pictures)
        tensors = (torch.tensor(p).permute(2, 0, 1)[None] / 255 for p in self.pictures)
        return [noise_level(tensor) for tensor in tensors]


def normal(like: Tensor, seeds: list[int], grays: list[bool]) -> Tensor:
    """Returns standard normal noise (B, C, H, W), each picture's by its seed, in gray ones equal in all channels."""
    noise = torch.empty_like(like)
    generator = torch.Generator(like.device)
    for plane, seed, gray in zip(noise, seeds, grays, strict=True):
        plane.normal_(generator=generator.manual_seed(seed))
        if gray:
            plane[1:] = plane[:1]
    return noise


def recorrupted(x: Tensor, noise: Tensor, sigma: Tensor, share: Tensor) -> Batch:
    """Makes a pair to learn denoising from out of noisy pictures alone: to each the same noise is added and subtracted.

    Of x = clean + σ·e, y = x + τσ·n and the target x − σ·n/τ have independent noise, so the best guess of the target
    from y is the clean picture's. ``info["target_sigma"]`` is the noise left in the target.

    Args:
        x: Noisy pictures (B, C, H, W).
        noise: n, standard normal, of their shape.
        sigma: σ (B,), in units of the pixel value.
        share: τ (B,).

    Source: Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising (Pang et al., 2021).
    """
    sigma, share = sigma.to(x), share.to(x)
    y = torch.addcmul(x, (share * sigma)[:, None, None, None], noise)
    target = torch.addcmul(x, (-sigma / share)[:, None, None, None], noise)
    info = {"sigma": sigma * (1 + share**2).sqrt(), "target_sigma": sigma * (1 + share**-2).sqrt()}
    return Batch(y, target, info=info)
