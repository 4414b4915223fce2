"""Random blur kernels for training: lens blur, defocus and camera shake.

`vaezoo.image.damage.degradations` blurs single images for measurements.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vaezoo.image.damage.kernels import disc_kernel, gaussian_kernel, path_kernel

SHARP, LENS, FOCUS = 0.1, 0.45, 0.65
"""Bounds, for a uniform number in [0, 1], below which a kernel is the identity, Gaussian or a disc; above: motion."""
MOMENTS = 65
"""Number of points of a motion path."""


def draw_kernel(rng: np.random.Generator, reach: int) -> Tensor:
    """Draws a blur kernel, float32 (h, h) with h odd, that reaches at most ``reach`` pixels from its centre of mass.

    One kernel in ten is the identity. The others are Gaussians with a standard deviation of at least 0.4 pixels, which
    may differ between two directions, or discs, or paths of a moving hand.

    Args:
        rng: Random generator.
        reach: Largest distance from the centre in pixels, at least 4.
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
    """Draws the path of a hand of a given length, around its mean. It is scaled down if it reaches too far."""
    bend = rng.choice((0.0, 0.06, 0.25))  # turn per step in radians: straight, curved or shaken
    angle = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, bend, MOMENTS))
    speed = np.exp(rng.normal(0, 0.3) * np.linspace(-1, 1, MOMENTS))
    steps = speed / speed.sum() * length
    places = np.stack([np.cumsum(steps * np.sin(angle)), np.cumsum(steps * np.cos(angle))])
    places -= places.mean(1, keepdims=True)
    places *= min(1.0, reach / np.abs(places).max())
    down, across = torch.from_numpy(places)
    return down, across
