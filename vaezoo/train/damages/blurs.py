"""The blurs that training draws: of a lens, of something out of focus, of a hand that shook.

Blurring one picture for measuring is in `vaezoo.image.damage.degradations`.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vaezoo.image.damage.kernels import disc_kernel, gaussian_kernel, path_kernel

SHARP, LENS, FOCUS = 0.1, 0.45, 0.65
"""Up to which number in [0, 1] a patch is not blurred at all, by a Gaussian, and by a disc; above it is by motion."""
MOMENTS = 65
"""At which a path is looked at."""


def draw_kernel(rng: np.random.Generator, reach: int) -> Tensor:
    """Draws a blur kernel, float32 (h, h) with h odd, none further from its centre of mass than ``reach`` pixels.

    One in ten does nothing; the others are Gaussians of a standard deviation from 0.4 pixels on that may differ between
    two directions, discs, and paths of a hand whose direction drifts.

    Args:
        rng: Drawn from.
        reach: Largest distance from the centre, pixels, at least 4.
    """
    kind = rng.random()
    if kind < SHARP:
        return torch.ones(1, 1)
    if kind < LENS:
        sigma = math.exp(rng.uniform(math.log(0.4), math.log(reach / 4)))
        return gaussian_kernel(sigma, max(0.3, sigma * rng.uniform(0.4, 1)), rng.uniform(0, 180))
    if kind < FOCUS:
        return disc_kernel(rng.uniform(0.5, reach / 2))
    return path_kernel(*_path(rng, rng.uniform(1.5, 2 * reach), reach))


def _path(rng: np.random.Generator, length: float, reach: int) -> tuple[Tensor, Tensor]:
    """Draws where a hand of a path length was, around its mean, drawn in where it went too far."""
    bend = rng.choice((0.0, 0.06, 0.25))  # radians of a step's turn: straight, curved, shaken
    angle = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, bend, MOMENTS))
    speed = np.exp(rng.normal(0, 0.3) * np.linspace(-1, 1, MOMENTS))
    steps = speed / speed.sum() * length
    places = np.stack([np.cumsum(steps * np.sin(angle)), np.cumsum(steps * np.cos(angle))])
    places -= places.mean(1, keepdims=True)
    places *= min(1.0, reach / np.abs(places).max())
    down, across = torch.from_numpy(places)
    return down, across
