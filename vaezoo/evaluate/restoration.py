"""Scores of a restored image and of its predicted uncertainty. `vaezoo.restore.measure` scores sets of images.

The output is clipped to [0, 1] and not rounded. PSNR is over all pixels and channels; SSIM is the mean over channels.
Sets are averaged over images.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.evaluate.calibration import ause, coverage, ence, rank_correlation
from vaezoo.evaluate.predictive import crps_gaussian
from vaezoo.image import psnr_db, ssim


def score(x_hat: Tensor, x: Tensor, scale: Tensor | None = None) -> dict[str, float]:
    """Scores one restored image.

    Args:
        x_hat: Restored image (1, C, H, W). It is clipped to [0, 1] here.
        x: Clean image, of the same shape.
        scale: Predicted standard deviation per pixel, of the same shape and unit, or None.

    Returns:
        ``psnr_db`` and ``ssim``. With a scale also ``coverage_68``, ``coverage_90`` and ``coverage_95`` (shares),
        ``ence`` and ``ause`` (ratios), ``rank_correlation``, and in grey levels ``crps_levels``, ``rmse_levels`` and
        ``scale_levels``, the root mean square of the scale.

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


def average(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Returns the mean of each value over rows.

    Raises:
        ConfigError: There are no rows.
    """
    if not rows:
        raise ConfigError("Expected at least one picture to average over, got none.", value=rows)
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
