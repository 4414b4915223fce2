"""How well a denoiser restores photos at known noise levels, and how honest its uncertainty is.

The protocol: the i-th picture x of a set, (1, C, H, W) in [0, 1], becomes y = x + σ/255 · noise, where the noise is
``numpy.random.RandomState(i).randn(1, C, H, W)`` as float32; y is not clipped. The output is clipped to [0, 1] and not
rounded; PSNR is over all pixels and channels, SSIM the mean over channels. Sets are averaged over pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image import gaussian_noise, psnr_db, ssim

from .calibration import ause, coverage, ence, rank_correlation
from .predictive import crps_gaussian

Denoiser = Callable[[Tensor], "tuple[Tensor, Tensor | None]"]
"""From a noisy image (1, C, H, W) to the restored one and its standard deviation per pixel, or None."""


def score(x_hat: Tensor, x: Tensor, scale: Tensor | None = None) -> dict[str, float]:
    """Scores one restored picture.

    Args:
        x_hat: (1, C, H, W); clipped to [0, 1] here.
        x: The clean picture, same shape.
        scale: Standard deviation stated per pixel, same shape and unit, or None.

    Returns:
        ``psnr_db`` and ``ssim``; with a scale also ``coverage_68``, ``coverage_90``, ``coverage_95`` (shares),
        ``ence`` and ``ause`` (ratios), ``rank_correlation``, and in grey levels ``crps_levels``, and ``scale_levels``
        (root mean square of what is stated) beside ``rmse_levels``.

    Raises:
        ShapeError: The shapes differ, or a scale is not positive.
    """
    x_hat = x_hat.clamp(0, 1)
    values = {"psnr_db": psnr_db(x_hat, x).item(), "ssim": ssim(x_hat, x).item()}
    if scale is None:
        return values
    error = x_hat - x
    shares = {f"coverage_{nominal}": share for nominal, share in coverage(error, scale).items()}
    return values | shares | {
        "ence": ence(error, scale),
        "ause": ause(error, scale),
        "rank_correlation": rank_correlation(error, scale),
        "crps_levels": 255 * crps_gaussian(error, scale),
        "scale_levels": 255 * scale.double().square().mean().sqrt().item(),
        "rmse_levels": 255 * error.double().square().mean().sqrt().item(),
    }  # fmt: skip


@torch.no_grad()
def evaluate_restoration(
    denoise: Denoiser, pictures: Iterable[Tensor], sigmas: Sequence[float] = (15, 25, 50)
) -> dict[float, dict[str, float]]:
    """Scores a denoiser on a set of clean pictures.

    Args:
        denoise: Such as ``lambda y: restorer(y)[:2]`` with a `vaezoo.restore.Restorer`.
        pictures: Clean, each (1, C, H, W) in [0, 1], in the order of the set: it decides on the noise.
        sigmas: Noise levels in grey levels.

    Returns:
        For each noise level the mean over pictures of what `score` returns.

    Raises:
        ConfigError: There is no picture.
        ShapeError: A picture cannot be taken.
    """
    scores: dict[float, list[dict[str, float]]] = {sigma: [] for sigma in sigmas}
    for index, x in enumerate(pictures):
        for sigma in sigmas:
            x_hat, scale = denoise(gaussian_noise(x, sigma, seed=index))
            scores[sigma].append(score(x_hat.cpu(), x.cpu(), None if scale is None else scale.cpu()))
    return {sigma: average(rows) for sigma, rows in scores.items()}


def average(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Returns the mean of each value over rows.

    Raises:
        ConfigError: There is no row.
    """
    if not rows:
        raise ConfigError("Expected at least one picture to average over, got none.", value=rows)
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
