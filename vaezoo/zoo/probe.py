"""A fingerprint of a model's output. With it a card can tell whether weights and code still agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaezoo.core import VAE

TOLERANCE = 2e-3
"""Largest difference allowed between machines and builds of torch."""


def probe(model: VAE) -> tuple[float, ...]:
    """Returns eight numbers of the restoration of one seeded input: mean, standard deviation and six pixels.

    Args:
        model: Model with weights, in evaluation mode.
    """
    import torch

    height, width = model.size or (40, 56)
    generator = torch.Generator().manual_seed(20_000)
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, model.channels, 7, 9, generator=generator), (height, width), mode="bilinear", align_corners=False
    )
    y = (smooth + 0.05 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)
    like = next(model.parameters())
    image = model.restore(y.to(like)).image.float().cpu().flatten()
    picks = image[torch.linspace(0, image.numel() - 1, 6).long()]
    return tuple(round(float(v), 5) for v in (image.mean(), image.std(), *picks))


def agrees(found: tuple[float, ...], stated: tuple[float, ...]) -> bool:
    """Says whether a probe agrees with the stated one, within the tolerance."""
    return len(found) == len(stated) and all(abs(a - b) <= TOLERANCE for a, b in zip(found, stated, strict=True))
