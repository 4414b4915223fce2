"""The calibration on a card: read, refused where malformed, told, and of the weights beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from vaezoo.errors import ConfigError
from vaezoo.files.schema import schema_of
from vaezoo.host.manager import current_zoo
from vaezoo.registry.calibration import Calibration, calibration_from
from vaezoo.zoo.info import model_info

from .test_registry import CARD, read

GOOD = Calibration(
    factor=1.1, quantiles={"68": 1.0, "90": 1.7, "95": 2.1}, image_factor=1.9, risk_factor=2.5, sigmas=(15.0, 25.0),
    images=41, set="photos", set_sha256="1" * 64, weights="2" * 64, command="python -m fit",
)  # fmt: skip


def test_a_card_gives_back_what_was_written(tmp_path) -> None:
    file = {"weights": {"small.tag": {**CARD, "calibration": GOOD.plain()}}}
    card = read(tmp_path, yaml.safe_dump(file)).cards_of("small")["tag"]
    assert calibration_from(card.calibration) == GOOD
    assert calibration_from(replace(GOOD, set="", command="").plain()).set == ""


def test_every_field_is_described() -> None:
    assert all(value["description"] for value in schema_of(Calibration)["properties"].values())


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("factor", 0, "expected factor as a number above 0, got 0"),
        ("factor", "1.1", "expected factor as a number above 0, got '1.1'"),
        ("image_factor", -1.0, "expected image_factor as a number above 0, got -1.0"),
        ("quantiles", {"68": 1.0, "90": 2.0}, "expected the key '95' in quantiles"),
        ("quantiles", {"68": 1.0, "90": 0.0, "95": 2.0}, "expected 90 as a number above 0, got 0.0"),
        ("quantiles", {"68": 1.0, "90": 1.5, "95": 2.0, "99": 3.0}, "expected '68' or '90' or '95', got '99'"),
        ("images", 0, "expected images as a whole number of at least 1, got 0"),
        ("weights", "abc", "expected weights as 64 hexadecimal digits, got 'abc'"),
        ("colour", 1, "unknown key 'colour'"),
    ],
)
def test_a_malformed_one_is_refused(tmp_path, key: str, value: Any, message: str) -> None:
    file = {"weights": {"small.tag": {**CARD, "calibration": {**GOOD.plain(), key: value}}}}
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, yaml.safe_dump(file))


def test_widths_by_what_they_cover() -> None:
    assert [GOOD.width(level) for level in (68, 90, 95)] == [1.0, 1.7, 2.1]
    assert GOOD.width(over="images") == 1.9 and GOOD.width(90, "risk") == 2.5
    with pytest.raises(ConfigError, match="a level that was fitted over pixels, 68, 90, 95, got 80"):
        GOOD.width(80)
    with pytest.raises(ConfigError, match="a level that was fitted over images, 90, got 95"):
        GOOD.width(95, "images")
    with pytest.raises(ConfigError, match="an interval over pixels, images, risk, got 'photos'"):
        GOOD.width(90, "photos")


def test_every_calibration_on_the_shelf_is_of_the_weights_beside_it_and_told() -> None:
    """Weights that are trained anew need it fitted anew."""
    registry = current_zoo().registry
    cards = [card for name, _, _ in registry.models.all() for card in registry.cards_of(name).values()]
    calibrated = {card.name: card for card in cards if card.calibration}
    assert "denoise.open" in calibrated
    for name, card in calibrated.items():
        found = calibration_from(card.calibration)
        assert found.weights == card.sha256, f"run python -m benchmarks.calibrate {name}"
        assert found.set not in {trained_on["set"] for trained_on in card.data}
        told = model_info(name)["weights"][name.partition(".")[2]]["calibration"]
        assert told["image_factor"] == found.image_factor
