"""Intervals for the clean values: conformal if the weights' card has a calibration, otherwise Gaussian."""

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
    """An interval for each clean value.

    Attributes:
        lower: Lower ends, (H, W, C) float32 in [0, 1].
        upper: Upper ends, of the same shape.
        level: Coverage in percent.
        width: Half width before clipping, in predicted standard deviations.
        method: ``"conformal"`` if the weights' card has a calibration. Otherwise ``"gaussian"``, which is right only if
            the predicted standard deviation is right and errors are normal.
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
    """Returns an interval around a restored image for the clean values.

    Args:
        restored: Restored image, (H, W, C) in [0, 1].
        scale: Predicted standard deviation, of the same shape and unit.
        calibration: Calibration of the model's weights, or None.
        level: Coverage in percent. With a calibration it must be one of the fitted levels.
        over: What is covered; see `vaezoo.registry.calibration.Calibration.width`. Without a calibration it must be
            ``"pixels"``.

    Raises:
        ConfigError: The level is not available, or ``over`` needs a calibration and there is none.
    """
    if calibration is not None:
        width, method = calibration.width(level, over), "conformal"
    elif over != "pixels":
        raise ConfigError(
            f"An interval over {over!r} needs a calibration, which these weights do not have.",
            hint='Use over="pixels", which is then Gaussian.', value=over,
        )  # fmt: skip
    elif not (is_number(level) and 0 < level < 100):
        raise ConfigError(f"Expected a level between 0 and 100 percent, got {level!r}.", value=level)
    else:
        width, method = NormalDist().inv_cdf(0.5 + level / 200), "gaussian"
    lower, upper = (np.clip(restored + np.float32(sign * width) * scale, 0, 1) for sign in (-1, 1))
    return Interval(lower, upper, level, width, method)


def find_calibration(model: Model, task: str) -> Calibration | None:
    """Returns the calibration on the card of a model's weights, or None if there is none that applies.

    It was fitted to the errors of these weights at the model's own task. So it does not apply to another task, nor to
    weights that have changed since they were loaded.

    Args:
        model: Model.
        task: Name of the task to do.

    Raises:
        ConfigError: The calibration on the card is malformed.
    """
    report = getattr(getattr(model, "origin", None), "weights", None)
    if report is None or report.card is None or not report.card.calibration:
        return None
    found = calibration_from(report.card.calibration, f"The card of {report.card.name}")
    holds = found.weights == report.sha256 and task == purpose_of(model) and _digest(model) == report.content
    return found if holds else None


_DIGESTS: WeakKeyDictionary[nn.Module, tuple[tuple[int, ...], str]] = WeakKeyDictionary()
"""Fingerprint of a model's tensors when their digest was last computed, and that digest."""

_WORDS = 1 << 15
_FACTORS = np.random.default_rng(0).integers(0, 2**63, _WORDS, dtype=np.int64) | 1


def _digest(model: Model) -> str:
    """Returns the digest of a model's weights; for a result of torch.compile, that of the model inside.

    The content of the tensors is read each time, since a version counter misses ``p.data`` and numpy views. The
    fingerprint takes 4 ms for 2.6 M parameters, the digest 60.
    """
    module = cast(nn.Module, getattr(model, "_orig_mod", model))
    now = tuple(_fingerprint(tensor) for tensor in module.state_dict().values())
    before = _DIGESTS.get(module)
    if before is None or before[0] != now:
        before = _DIGESTS[module] = now, digest_of(module)
    return before[1]


def _fingerprint(tensor: Tensor) -> int:
    """Returns a hash of a tensor's bytes: a random linear form of each 256 KiB, modulo 2⁶⁴."""
    held = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    whole = len(held) // 8 * 8
    words, rest = held[:whole].view(np.int64), held[whole:].tobytes()
    parts = (words[start : start + _WORDS] for start in range(0, len(words), _WORDS))
    return hash((str(tensor.dtype), rest, *(int(part @ _FACTORS[: len(part)]) for part in parts)))
