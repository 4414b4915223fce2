"""Where the clean values lie: conformal where the weights' card has a calibration, else Gaussian."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from vaezoo.errors import ConfigError
from vaezoo.registry.calibration import Calibration, calibration_from
from vaezoo.restore.numbers import is_number
from vaezoo.restore.restorer import Model
from vaezoo.restore.task import purpose_of
from vaezoo.zoo.weights import digest_of


class Interval(NamedTuple):
    """Where the clean values lie.

    Attributes:
        lower: (H, W, C) float32 in [0, 1].
        upper: Same shape.
        level: Coverage in percent.
        width: Half width before clipping, in standard deviations as the model states them.
        method: ``"conformal"`` where the weights' card has a calibration; else ``"gaussian"``, which holds as far as
            the model's standard deviation is right and its errors are normal.
    """

    lower: np.ndarray
    upper: np.ndarray
    level: float
    width: float
    method: str


def interval_of(
    restored: np.ndarray,
    scale: np.ndarray,
    calibration: Calibration | None,
    level: float = 90,
    over: str = "pixels",
) -> Interval:
    """Returns an interval around a restored image.

    Args:
        restored: (H, W, C) in [0, 1].
        scale: Standard deviation as the model states it, same shape and unit.
        calibration: Of the model's weights, or None.
        level: Coverage in percent; of a calibration one of those that were fitted, else any.
        over: What is covered: see `vaezoo.registry.calibration.Calibration.width`. Without a calibration
            ``"pixels"`` alone.

    Raises:
        ConfigError: The level is not to be had, or there is no calibration and ``over`` needs one.
    """
    if calibration is not None:
        width, method = calibration.width(level, over), "conformal"
    elif over != "pixels":
        raise ConfigError(
            f"An interval over {over!r} needs a calibration, which these weights have not.",
            hint='Ask over="pixels", which is then Gaussian.', value=over,
        )  # fmt: skip
    elif not (is_number(level) and 0 < level < 100):
        raise ConfigError(f"Expected a level between 0 and 100 percent, got {level!r}.", value=level)
    else:
        width, method = NormalDist().inv_cdf(0.5 + level / 200), "gaussian"
    lower, upper = (np.clip(restored + np.float32(sign * width) * scale, 0, 1) for sign in (-1, 1))
    return Interval(lower, upper, level, width, method)


def find_calibration(model: Model, task: str) -> Calibration | None:
    """Returns the calibration on the card of a model's weights; None where there is none that holds.

    It was fitted to the errors of those weights at the task that the model was made for, so it is of no use to a model
    whose weights have changed since they were loaded, nor to another task.

    Args:
        model: It.
        task: The name of what it does.

    Raises:
        ConfigError: The card's is malformed.
    """
    report = getattr(getattr(model, "origin", None), "weights", None)
    if report is None or report.card is None or not report.card.calibration:
        return None
    found = calibration_from(report.card.calibration, f"The card of {report.card.name}")
    holds = found.weights == report.sha256 and task == purpose_of(model) and _digest(model) == report.content
    return found if holds else None


_DIGESTS: WeakKeyDictionary[nn.Module, tuple[tuple[int, ...], str]] = WeakKeyDictionary()
"""The fingerprint that a model's tensors had when their digest was last taken, and the digest."""

_WORDS = 1 << 15
_FACTORS = np.random.default_rng(0).integers(0, 2**63, _WORDS, dtype=np.int64) | 1


def _digest(model: Model) -> str:
    """Returns the digest of a model's weights, of one that torch.compile made those of the model in it.

    What tensors hold is looked at each time: a version counter knows nothing of ``p.data`` and of numpy's view of a
    tensor. The fingerprint takes 4 ms for 2.6 M parameters, the digest 60.
    """
    module = cast(nn.Module, getattr(model, "_orig_mod", model))
    now = tuple(_fingerprint(tensor) for tensor in module.state_dict().values())
    before = _DIGESTS.get(module)
    if before is None or before[0] != now:
        before = _DIGESTS[module] = now, digest_of(module)
    return before[1]


def _fingerprint(tensor: Tensor) -> int:
    """Returns a hash of a tensor's bytes: a random linear form of each 256 KiB of them, modulo 2⁶⁴."""
    held = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    whole = len(held) // 8 * 8
    words, rest = held[:whole].view(np.int64), held[whole:].tobytes()
    parts = (words[start : start + _WORDS] for start in range(0, len(words), _WORDS))
    return hash((str(tensor.dtype), rest, *(int(part @ _FACTORS[: len(part)]) for part in parts)))
