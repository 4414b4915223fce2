"""Recorruption: learning to denoise from noisy images alone. Noise is added to inputs and subtracted from targets."""

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
    """Random square crops of noisy images, each from a random image, after `recorrupted`."""

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int) -> None:
        self.images, self.data, self.seed = images, data, seed
        self.pictures = [array for source in images for array in source.pixels]
        self.levels = self._levels()
        self.gray = [is_gray(array) for array in self.pictures]  # their noise is gray too
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
            rng.random()  # keeps the draws of `vaezoo.train.data.Patches`, from which recipes began
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
        """Returns the noise level of each image, in units of the pixel value: the recipe's, or else an estimate."""
        if self.data.sigma[1] > 0:
            return [self.data.sigma[1] / 255] * len(self.pictures)
        tensors = (torch.tensor(p).permute(2, 0, 1)[None] / 255 for p in self.pictures)
        return [noise_level(tensor) for tensor in tensors]


def normal(like: Tensor, seeds: list[int], grays: list[bool]) -> Tensor:
    """Draws standard normal noise (B, C, H, W), each image's by its seed. For gray images, channels are equal."""
    noise = torch.empty_like(like)
    generator = torch.Generator(like.device)
    for plane, seed, gray in zip(noise, seeds, grays, strict=True):
        plane.normal_(generator=generator.manual_seed(seed))
        if gray:
            plane[1:] = plane[:1]
    return noise


def recorrupted(x: Tensor, noise: Tensor, sigma: Tensor, share: Tensor) -> Batch:
    """Makes a training pair for denoising from noisy images alone.

    For x = clean + σ·e, the input y = x + τσ·n and the target x − σ·n/τ have independent noise. So the best estimate of
    the target from y is that of the clean image. ``info["target_sigma"]`` is the noise left in the target.

    Args:
        x: Noisy images (B, C, H, W).
        noise: Standard normal noise n, of the same shape.
        sigma: Noise level σ (B,), in units of the pixel value.
        share: Ratio τ (B,).

    Source: Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising (Pang et al., 2021).
    """
    sigma, share = sigma.to(x), share.to(x)
    y = torch.addcmul(x, (share * sigma)[:, None, None, None], noise)
    target = torch.addcmul(x, (-sigma / share)[:, None, None, None], noise)
    info = {"sigma": sigma * (1 + share**2).sqrt(), "target_sigma": sigma * (1 + share**-2).sqrt()}
    return Batch(y, target, info=info)
