"""What a card says of how far a model's errors go, in units of the standard deviation that the model states.

The class is the file format of the card's ``calibration``. How it is fitted is in `vaezoo.restore.calibrate`. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from vaezoo.errors import ConfigError
from vaezoo.files.schema import conform, schema_of

LEVELS = (68, 90, 95)
"""Coverages that are fitted, percent."""
OVER = ("pixels", "images", "risk")
"""What an interval may be right over, see `Calibration.width`."""

_Positive = Annotated[float, ("exclusiveMinimum", 0)]
_Sha256 = Annotated[str, ("pattern", "^[0-9a-f]{64}$"), ("title", "64 hexadecimal digits")]
_Count = Annotated[int, ("minimum", 1)]
_Share = Annotated[float, ("minimum", 0), ("maximum", 1)]
_KEYS = [str(level) for level in LEVELS]
_Quantiles = Annotated[Mapping[str, _Positive], ("propertyNames", {"enum": _KEYS}), ("required", _KEYS)]


@dataclass(frozen=True)
class Calibration:
    """Half widths of intervals around a restored value, in stated standard deviations.

    They hold for pictures and noise like those it was fitted to, which training must not have seen.

    Attributes:
        factor: Scalar calibration: the root mean square of error / stated standard deviation.
        quantiles: By coverage in percent, ``"68"``, ``"90"``, ``"95"``: the conformal quantile over pixels.
        image_factor: In 90 % of new pictures at least 90 % of the values lie within so many standard deviations, at
            whichever of the noise levels.
        risk_factor: With 90 % confidence over the draw of the calibration pictures, the expected share of a new
            picture's values that lie outside, at its worst noise level, is at most 10 %.
        sigmas: Noise levels that are pooled, grey levels; of cameras their numbers.
        images: Number of pictures.
        grain: Share of the pictures that were given a film's grain, as in training (``data.grain`` of a recipe).
        seed: Of the noise and of which values were kept.
        set: The data set.
        set_sha256: Its content's hash, as `vaezoo.data.sets` computes it.
        weights: sha256 of the weights whose errors these are.
        command: What fitted it.
        damage: What was done to the pictures: ``noise``, white and of ``sigmas``, or ``camera``, that many drawn ones
            write them.
        usual: Ranges of signs by which a picture is known to be like these, see `vaezoo.restore.familiar`.
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
        """Returns the half width of an interval, in stated standard deviations.

        Args:
            level: Coverage in percent.
            over: ``"pixels"``: of all values of all pictures, ``level`` % lie inside. ``"images"``: in 90 % of the
                pictures at least 90 % do. ``"risk"``: with 90 % confidence at least 90 % do on average.

        Raises:
            ConfigError: The level was not fitted for it, or ``over`` is none of these.
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
                hint="Intervals at other levels take a new calibration.", value=level,
            )  # fmt: skip
        return widths[over][level]

    def plain(self) -> dict[str, Any]:
        """Returns it as a card has it."""
        told = {key: value for key, value in asdict(self).items() if value not in ("", {})}
        told |= {"usual": {name: list(ends) for name, ends in self.usual.items()}} if self.usual else {}
        if self.damage == "noise":
            del told["damage"]
        return told | {"quantiles": dict(self.quantiles), "sigmas": list(self.sigmas)}


def calibration_from(body: Mapping[str, Any], where: str = "The card") -> Calibration:
    """Returns the calibration of a card.

    Args:
        body: As `Calibration.plain` gives it.
        where: File and line, for messages.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of the wrong kind.
    """
    conform(body, schema_of(Calibration), where, "calibration")
    ranges = {name: tuple(ends) for name, ends in body.get("usual", {}).items()}
    return Calibration(**{**body, "sigmas": tuple(body["sigmas"]), "usual": ranges})
