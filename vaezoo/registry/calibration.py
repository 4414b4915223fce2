"""A card's calibration: how large a model's errors are, in units of the standard deviation that it predicts.

The class is the file format of ``calibration`` on a card. `vaezoo.restore.calibrate` fits it. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from vaezoo.errors import ConfigError
from vaezoo.files.schema import conform, schema_of

LEVELS = (68, 90, 95)
"""Coverages that are fitted, in percent."""
OVER = ("pixels", "images", "risk")
"""What an interval may cover; see `Calibration.width`."""

_Positive = Annotated[float, ("exclusiveMinimum", 0)]
_Sha256 = Annotated[str, ("pattern", "^[0-9a-f]{64}$"), ("title", "64 hexadecimal digits")]
_Count = Annotated[int, ("minimum", 1)]
_Share = Annotated[float, ("minimum", 0), ("maximum", 1)]
_KEYS = [str(level) for level in LEVELS]
_Quantiles = Annotated[Mapping[str, _Positive], ("propertyNames", {"enum": _KEYS}), ("required", _KEYS)]


@dataclass(frozen=True)
class Calibration:
    """Half widths of intervals around a restored value, in predicted standard deviations.

    They hold for images and noise like those of the calibration set, which training must not have seen.

    Attributes:
        factor: Root mean square of error / predicted standard deviation.
        quantiles: Conformal quantile over pixels, by coverage in percent: ``"68"``, ``"90"``, ``"95"``.
        image_factor: Half width within which at least 90 % of the values lie, in 90 % of new images, at any of the
            noise levels.
        risk_factor: Half width outside which at most 10 % of a new image's values are expected at its worst noise
            level, with 90 % confidence over the choice of calibration images.
        sigmas: Noise levels that were pooled, in grey levels. For ``camera`` damage, the numbers of the cameras.
        images: Number of images.
        grain: Share of the images that were given film grain, as in training (``data.grain`` of a recipe).
        seed: Random seed of the noise and of the choice of values.
        set: Name of the data set.
        set_sha256: Hash of the data set's content, as `vaezoo.data.sets` computes it.
        weights: sha256 of the weights that the errors were measured with.
        command: Command that fitted the calibration.
        damage: How the images were damaged: ``noise`` (white noise of ``sigmas``) or ``camera`` (randomly drawn
            cameras).
        usual: Ranges of statistics that tell whether an image is like those of the set; see `vaezoo.restore.familiar`.
    """

    factor: _Positive
    quantiles: _Quantiles
    image_factor: _Positive
    risk_factor: _Positive
    sigmas: tuple[float, ...]
    images: _Count
    grain: _Share = 0.0
    seed: int = 0
    set: str = ""
    set_sha256: _Sha256 = ""
    weights: _Sha256 = ""
    command: str = ""
    damage: str = "noise"
    usual: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def width(self, level: float = 90, over: str = "pixels") -> float:
        """Returns the half width of an interval, in predicted standard deviations.

        Args:
            level: Coverage in percent.
            over: What the interval covers. ``"pixels"``: ``level`` % of all values of all images. ``"images"``: at
                least 90 % of the values, in 90 % of the images. ``"risk"``: on average at least 90 %, with 90 %
                confidence.

        Raises:
            ConfigError: The level was not fitted for ``over``, or ``over`` is unknown.
        """
        widths: dict[str, dict[float, float]] = {
            "pixels": {int(key): value for key, value in self.quantiles.items()},
            "images": {90: self.image_factor},
            "risk": {90: self.risk_factor},
        }
        if over not in widths:
            raise ConfigError(f"Expected an interval over {', '.join(OVER)}, got {over!r}.", value=over)
        if level not in widths[over]:
            fitted = ", ".join(map(str, widths[over]))
            raise ConfigError(
                f"Expected a level that was fitted over {over}, {fitted}, got {level}.",
                hint="Intervals at other levels need a new calibration.", value=level,
            )  # fmt: skip
        return widths[over][level]

    def plain(self) -> dict[str, Any]:
        """Returns the calibration as it is on a card."""
        told = {key: value for key, value in asdict(self).items() if value not in ("", {})}
        told |= {"usual": {name: list(ends) for name, ends in self.usual.items()}} if self.usual else {}
        if self.damage == "noise":
            del told["damage"]
        return told | {"quantiles": dict(self.quantiles), "sigmas": list(self.sigmas)}


def calibration_from(body: Mapping[str, Any], where: str = "The card") -> Calibration:
    """Reads the calibration of a card.

    Args:
        body: Mapping, as returned by `Calibration.plain`.
        where: File and line, for error messages.

    Raises:
        ConfigError: A key is unknown or missing, or a value has the wrong type.
    """
    conform(body, schema_of(Calibration), where, "calibration")
    ranges = {name: tuple(ends) for name, ends in body.get("usual", {}).items()}
    return Calibration(**{**body, "sigmas": tuple(body["sigmas"]), "usual": ranges})
