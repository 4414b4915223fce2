"""Checks whether an image is like those of the calibration, by what was removed from it and what noise is left.

The predicted error is right for damage of the kind that was calibrated. With other damage, a model may leave the noise
and still be confident. Then the noise left in flat areas is much larger than the error predicted there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.image.damage.noise import describe_noise, estimate_noise

FLOOR = 0.1
"""Grey levels added to numerator and denominator of a ratio, so that 0/0 counts as 1."""
QUIET = 0.2
"""Quantile of the predicted deviation over pixels that represents flat areas."""
TAIL, SLACK = 0.025, 0.25
"""Share of images at each end that a range leaves out, and the margin at both ends, as a share of its length."""
SAYS = {
    "left": "{:.1f} times as much noise is left in flat areas as is stated, {} was usual",
    "removed": "{:.1f} times as much was removed as is stated for what is left, {} was usual",
    "grain": "what was removed has a grain of {:.1f} pixels, {} was usual",
}
"""Each statistic, with the text for an unusual value."""


def signs_of(y: Tensor, image: Tensor, scale: Tensor) -> dict[str, float]:
    """Computes the statistics of a restored image.

    Args:
        y: Degraded image, (1, C, H, W) in [0, 1].
        image: Restored image, of the same shape.
        scale: Predicted standard deviation, of the same shape.

    Returns:
        ``left``: noise in the flattest areas of the result, relative to the deviation predicted for flat areas.
            ``removed``: root mean square of what was removed, relative to that of the deviation. ``grain``: size of the
            structure of what was removed, in pixels.
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
    """Returns the range of each statistic over images, without `TAIL` and with the margin `SLACK` at both ends."""
    ranges = {}
    for name in SAYS:
        values = torch.tensor([each[name] for each in signs])
        low, high = (float(torch.quantile(values, share)) for share in (TAIL, 1 - TAIL))
        slack = SLACK * (high - low)
        ranges[name] = (round(low - slack, 4), round(high + slack, 4))
    return ranges


def doubt_of(signs: Mapping[str, float], ranges: Mapping[str, Sequence[float]]) -> str:
    """Returns the reason why an image is unlike those of the ranges; empty if there is none, or no ranges.

    A value below its range is no reason: a clean image has nothing to remove.
    """
    for name, sentence in SAYS.items():
        if name in ranges and signs[name] > ranges[name][1]:
            return sentence.format(signs[name], f"at most {ranges[name][1]:.1f}")
    return ""
