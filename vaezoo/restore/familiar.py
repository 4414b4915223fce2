"""Whether a picture is like those that a calibration was fitted to, judged by what was removed and what is left.

A stated error is right for the damage that weights were shown. Of other damage a model may see nothing: it leaves the
noise, and is sure. Then what is left in flat areas is far more than what it states for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.image.damage.noise import describe_noise, estimate_noise

FLOOR = 0.1
"""Grey levels that are added to both sides of a ratio, so that nothing over nothing is 1."""
QUIET = 0.2
"""The quantile of the stated deviation over pixels that stands for flat areas."""
TAIL, SLACK = 0.025, 0.25
"""The share of pictures at each end that does not count for a range, and how far beyond it a sign may lie, in shares of
its length."""
SAYS = {
    "left": "{:.1f} times as much noise is left in flat areas as is stated, {} was usual",
    "removed": "{:.1f} times as much was removed as is stated for what is left, {} was usual",
    "grain": "what was removed has a grain of {:.1f} pixels, {} was usual",
}
"""Each sign, and what it says where it is unusual."""


def signs_of(y: Tensor, image: Tensor, scale: Tensor) -> dict[str, float]:
    """Returns the signs of a restored picture.

    Args:
        y: The degraded picture, (1, C, H, W) in [0, 1].
        image: The restored one, of its shape.
        scale: Standard deviation as the model states it, of its shape.

    Returns:
        ``left``: noise in the flattest areas of the result over the deviation stated for flat areas; ``removed``: root
        mean square of what was removed over that of the deviation; ``grain`` of what was removed, pixels.
    """
    gone = describe_noise(y.float() - image)
    stated = 255 * scale.float().square().mean(1).sqrt().flatten()
    flat = float(torch.quantile(stated[:: max(1, len(stated) // 2**20)], QUIET))
    whole = float(stated.square().mean().sqrt())
    return {
        "left": (estimate_noise(image).levels + FLOOR) / (flat + FLOOR),
        "removed": (gone.levels + FLOOR) / (whole + FLOOR),
        "grain": gone.grain_pixels,
    }


def usual(signs: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Returns the range of each sign over pictures, without the `TAIL` and with `SLACK` at both ends."""
    ranges = {}
    for name in SAYS:
        values = torch.tensor([each[name] for each in signs])
        low, high = (float(torch.quantile(values, share)) for share in (TAIL, 1 - TAIL))
        slack = SLACK * (high - low)
        ranges[name] = (round(low - slack, 4), round(high + slack, 4))
    return ranges


def doubt_of(signs: Mapping[str, float], ranges: Mapping[str, Sequence[float]]) -> str:
    """Returns why a picture is not like those of the ranges; "" where nothing says so, or there are no ranges.

    Too little of a sign is no reason: a clean picture has nothing to remove.
    """
    for name, sentence in SAYS.items():
        if name in ranges and signs[name] > ranges[name][1]:
            return sentence.format(signs[name], f"at most {ranges[name][1]:.1f}")
    return ""
