"""Fitting how far a model's errors go to pictures that training has not seen.

What is fitted is a `vaezoo.restore.Calibration`. Levels are pooled: a blind model is not told the noise level, so
neither is who reads its intervals. What is promised of single pictures takes each at its worst level.
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
"""From a noisy image (1, C, H, W) to the restored one and its standard deviation per value."""

Damage = Callable[[Tensor, float, int], "tuple[Tensor, Tensor]"]
"""From a clean image (1, C, H, W), a level and a seed to the damaged one, and what should be made of it."""

SHARE = 0.9
"""Of a picture's values, and of pictures: both are to be at least this."""
RISK, DOUBT = 0.1, 0.1
"""The largest share of values outside, and the probability that it is larger after all."""
KEPT = 100_000
"""Values of a picture at a noise level that are kept, drawn at random."""


@torch.no_grad()
def fit_calibration(
    restore: Restore,
    pictures: Iterable[Tensor],
    sigmas: Sequence[float],
    seed: int = 0,
    damage: Damage | None = None,
    clean: bool = False,
) -> Calibration:
    """Fits a calibration, with the range of the signs by which a picture is known to be like these.

    The i-th picture is damaged by seed + i at each level; the restored picture is clipped to [0, 1]. Of each at most
    100 000 values of |error| / scale are kept.

    Args:
        restore: Such as ``lambda y: restorer(y)[:2]`` with a `vaezoo.restore.Restorer`.
        pictures: Clean, each (1, C, H, W) in [0, 1], that training has not seen.
        sigmas: Levels of the damage; of noise its standard deviation in grey levels.
        seed: Random seed of the damage and of which values are kept.
        damage: None for the noise of `vaezoo.image.gaussian_noise`.
        clean: Whether the signs are those of the pictures as they are, too.

    Raises:
        ConfigError: There are too few pictures or no level, or the model states no standard deviation.
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
    """Returns the calibration of errors that are known already.

    Args:
        ratios: For each picture, for each noise level: |error| / scale in ascending order.
        sigmas: The noise levels.
        seed: That they were drawn by.

    Raises:
        ConfigError: There are too few pictures for the guarantees.
    """
    least = math.ceil(math.log(DOUBT) / math.log(1 - RISK))
    if len(ratios) < least:
        raise ConfigError(
            f"Expected at least {least} pictures to calibrate on, got {len(ratios)}.",
            hint="Fewer cannot bear the guarantee.", value=len(ratios),
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
    """Returns what a new value does not exceed with a probability of at least ``share``: the ⌈(n+1)·share⌉-th of n.

    It holds where the n values and the new one are exchangeable.

    Args:
        ascending: The n values, sorted.
        share: In (0, 1).

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
    """Returns the smallest value that at least ``share`` of the values do not exceed."""
    return ascending[_ceil(len(ascending) * share) - 1]


def hoeffding_bentkus(mean: float, n: int, risk: float) -> float:
    """Returns a p-value of "the expected loss exceeds ``risk``", for n losses in [0, 1] with this mean.

    min(exp(−n·h(mean, risk)), e·P(Binomial(n, risk) ≤ ⌈n·mean⌉)), where h is the Kullback–Leibler divergence of two
    Bernoulli variables; 1 where the mean is not below the risk.

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
    """Returns the smallest half width whose share of values outside is at most ``risk``, by an upper bound.

    A picture's loss is its share of values outside at the noise level where that is largest.

    Args:
        ratios: For each picture, for each noise level: |error| / scale in ascending order.
        risk: The largest expected loss.
        doubt: Probability, over the draw of the pictures, that it is larger.

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
    return math.ceil(round(value, 6))  # a product such as 0.07 · 100 is a little more than 7 in binary fractions


def _share_outside(ascending: Tensor, width: float) -> float:
    return 1 - int(torch.searchsorted(ascending, width, right=True)) / len(ascending)


def _ratios(x: Tensor, x_hat: Tensor, scale: Tensor | None, generator: torch.Generator) -> Tensor:
    if scale is None:
        raise ConfigError(
            "Expected a model that states a standard deviation, this one states none.",
            hint="Its decoder needs a likelihood with a scale.", value=scale,
        )  # fmt: skip
    error, scale = x_hat.clamp(0, 1).cpu() - x.cpu(), scale.cpu()
    check(error, scale)
    ratio = (error.abs() / scale).flatten().float()
    if len(ratio) > KEPT:
        ratio = ratio[torch.randint(len(ratio), (KEPT,), generator=generator)]
    return ratio.sort().values
