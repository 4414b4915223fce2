"""Fitting a calibration: how large a model's errors are on images that training has not seen.

The result is a `vaezoo.restore.Calibration`. Noise levels are pooled, since neither a blind model nor the reader of its
intervals knows the level. A guarantee for single images uses the worst level of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.evaluate.calibration import check
from vaezoo.image import gaussian_noise
from vaezoo.registry.calibration import LEVELS, Calibration
from vaezoo.restore.familiar import signs_of, usual

Restore = Callable[[Tensor], "tuple[Tensor, Tensor | None]"]
"""Function from a noisy image (1, C, H, W) to the restored one and its standard deviation per value."""

Damage = Callable[[Tensor, float, int], "tuple[Tensor, Tensor]"]
"""Function from a clean image (1, C, H, W), a level and a seed to the damaged image and the target."""

SHARE = 0.9
"""Required share, both of an image's values and of images."""
RISK, DOUBT = 0.1, 0.1
"""Largest share of values outside, and the probability that it is exceeded."""
KEPT = 100_000
"""Number of values that are kept per image and noise level, drawn at random."""


@torch.no_grad()
def fit_calibration(
    restore: Restore,
    pictures: Iterable[Tensor],
    sigmas: Sequence[float],
    seed: int = 0,
    damage: Damage | None = None,
    clean: bool = False,
) -> Calibration:
    """Fits a calibration, with the ranges of the statistics that tell whether an image is like those of the set.

    The i-th image is damaged with the seed ``seed`` + i at each level. The restored image is clipped to [0, 1]. At most
    100 000 values of |error| / scale are kept of each.

    Args:
        restore: Function that restores, such as ``lambda y: restorer(y)[:2]`` with a `vaezoo.restore.Restorer`.
        pictures: Clean images, each (1, C, H, W) in [0, 1], that training has not seen.
        sigmas: Levels of the damage. For noise: standard deviations in grey levels.
        seed: Random seed of the damage and of the choice of values.
        damage: Function that damages an image. None means the noise of `vaezoo.image.gaussian_noise`.
        clean: Whether the ranges also include the statistics of undamaged images.

    Raises:
        ConfigError: There are too few images or no levels, or the model predicts no standard deviation.
        ShapeError: A standard deviation is not positive.
    """
    if not sigmas:
        raise ConfigError("Expected at least one noise level, got none.", value=sigmas)
    ratios: list[list[Tensor]] = []
    signs: list[dict[str, float]] = []
    for index, picture in enumerate(pictures):
        generator = torch.Generator().manual_seed(seed + index)
        found = []
        for sigma in sigmas:
            y, x = (damage or _noisy)(picture, sigma, seed + index)
            x_hat, scale = restore(y)
            found.append(_ratios(x, x_hat, scale, generator))
            if scale is not None:
                signs.append(signs_of(y, x_hat, scale))
        ratios.append(found)
        if clean:
            x_hat, scale = restore(picture)
            signs += [] if scale is None else [signs_of(picture, x_hat, scale)]
    return replace(calibration_of(ratios, sigmas, seed), usual=usual(signs))


def calibration_of(ratios: Sequence[Sequence[Tensor]], sigmas: Sequence[float], seed: int = 0) -> Calibration:
    """Computes the calibration of given errors.

    Args:
        ratios: |error| / scale in ascending order, for each image and each noise level.
        sigmas: Noise levels.
        seed: Random seed that they were drawn with.

    Raises:
        ConfigError: There are too few images for the guarantees.
    """
    least = math.ceil(math.log(DOUBT) / math.log(1 - RISK))
    if len(ratios) < least:
        raise ConfigError(
            f"Expected at least {least} pictures to calibrate on, got {len(ratios)}.",
            hint="The guarantee needs that many.", value=len(ratios),
        )  # fmt: skip
    pooled = torch.cat([ratio for levels in ratios for ratio in levels]).sort().values
    own = torch.stack([max(own_quantile(ratio, SHARE) for ratio in levels) for levels in ratios])
    return Calibration(
        factor=pooled.double().square().mean().sqrt().item(),
        quantiles={str(level): conformal_quantile(pooled, level / 100) for level in LEVELS},
        image_factor=conformal_quantile(own.sort().values, SHARE),
        risk_factor=risk_controlling(ratios, RISK, DOUBT),
        sigmas=tuple(float(sigma) for sigma in sigmas),
        images=len(ratios),
        seed=seed,
    )


def conformal_quantile(ascending: Tensor, share: float) -> float:
    """Returns the value that a new value exceeds with a probability of at most 1 − ``share``.

    It is the ⌈(n+1)·share⌉-th of n. The n values and the new one must be exchangeable.

    Args:
        ascending: The n values, in ascending order.
        share: Share, in (0, 1).

    Raises:
        ConfigError: There are too few values for the share.

    Source: A Gentle Introduction to Conformal Prediction and Distribution-Free Uncertainty Quantification
    (Angelopoulos and Bates, 2021).
    """
    n = len(ascending)
    rank = _ceil((n + 1) * share)
    if not 1 <= rank <= n:
        raise ConfigError(f"Expected enough values for a share of {share:g}, got {n}.", value=n)
    return float(ascending[rank - 1])


def own_quantile(ascending: Tensor, share: float) -> Tensor:
    """Returns the smallest value that is not exceeded by at least ``share`` of the values."""
    return ascending[_ceil(len(ascending) * share) - 1]


def hoeffding_bentkus(mean: float, n: int, risk: float) -> float:
    """Returns a p-value of "the expected loss exceeds ``risk``", for n losses in [0, 1] with the given mean.

    min(exp(−n·h(mean, risk)), e·P(Binomial(n, risk) ≤ ⌈n·mean⌉)), where h is the Kullback–Leibler divergence of two
    Bernoulli variables. It is 1 if the mean is not below the risk.

    Source: Distribution-Free, Risk-Controlling Prediction Sets (Bates et al., 2021), arXiv:2101.02703.
    """
    if mean >= risk:
        return 1.0
    inside = mean * math.log(mean / risk) if mean > 0 else 0.0
    hoeffding = math.exp(-n * (inside + (1 - mean) * math.log((1 - mean) / (1 - risk))))
    most = _ceil(n * mean)
    bentkus = math.e * sum(math.comb(n, k) * risk**k * (1 - risk) ** (n - k) for k in range(most + 1))
    return min(1.0, hoeffding, bentkus)


def risk_controlling(ratios: Sequence[Sequence[Tensor]], risk: float, doubt: float) -> float:
    """Returns the smallest half width with at most ``risk`` of the values outside, by an upper confidence bound.

    The loss of an image is its share of values outside, at the noise level where that is largest.

    Args:
        ratios: |error| / scale in ascending order, for each image and each noise level.
        risk: Largest expected loss.
        doubt: Probability, over the choice of images, that the loss is larger.

    Source: Image-to-Image Regression with Distribution-Free Uncertainty Quantification and Applications in Imaging
    (Angelopoulos et al., 2022), arXiv:2202.05265.
    """

    def controls(width: float) -> bool:
        worst = [max(_share_outside(ratio, width) for ratio in levels) for levels in ratios]
        return hoeffding_bentkus(sum(worst) / len(worst), len(worst), risk) <= doubt

    low, high = 0.0, max(float(ratio[-1]) for levels in ratios for ratio in levels)
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if controls(middle) else (middle, high)
    return high


def _noisy(x: Tensor, sigma: float, seed: int) -> tuple[Tensor, Tensor]:
    return gaussian_noise(x, sigma, seed), x


def _ceil(value: float) -> int:
    return math.ceil(round(value, 6))  # a product such as 0.07 · 100 is slightly above 7 in binary fractions


def _share_outside(ascending: Tensor, width: float) -> float:
    return 1 - int(torch.searchsorted(ascending, width, right=True)) / len(ascending)


def _ratios(x: Tensor, x_hat: Tensor, scale: Tensor | None, generator: torch.Generator) -> Tensor:
    if scale is None:
        raise ConfigError(
            "Expected a model that predicts a standard deviation, but this one predicts none.",
            hint="Its decoder needs a likelihood with a scale.", value=scale,
        )  # fmt: skip
    error, scale = x_hat.clamp(0, 1).cpu() - x.cpu(), scale.cpu()
    check(error, scale)
    ratio = (error.abs() / scale).flatten().float()
    if len(ratio) > KEPT:
        ratio = ratio[torch.randint(len(ratio), (KEPT,), generator=generator)]
    return ratio.sort().values
