"""Pictures unlike those of a calibration: noise that a model left while it was sure, and what is then said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from vaezoo.image import gaussian_noise
from vaezoo.registry.calibration import Calibration, calibration_from
from vaezoo.restore import enhance, fit_calibration
from vaezoo.restore.familiar import doubt_of, signs_of, usual

from .fakes import Copier


def flat(value: float = 0.5) -> torch.Tensor:
    return torch.full((1, 3, 64, 64), value)


def test_signs_say_what_is_left_and_what_was_removed() -> None:
    y = gaussian_noise(flat(), 10, 0)
    scale = torch.full_like(y, 1 / 255)
    cleaned, kept = signs_of(y, flat(), scale), signs_of(y, y, scale)
    assert cleaned["left"] < 0.2 and cleaned["removed"] == pytest.approx(10.1 / 1.1, rel=0.05)
    assert kept["left"] == pytest.approx(10.1 / 1.1, rel=0.1) and kept["removed"] == pytest.approx(0.1 / 1.1)


def test_ranges_have_slack_and_only_too_much_is_doubted() -> None:
    ranges = usual([{"left": 1.0, "removed": 2.0, "grain": 1.0}, {"left": 2.0, "removed": 6.0, "grain": 1.0}])
    assert ranges["left"] == pytest.approx((0.7875, 2.2125), abs=1e-3) and ranges["grain"] == (1.0, 1.0)
    good = {"left": 0.1, "removed": 0.1, "grain": 1.0}
    assert doubt_of(good, ranges) == doubt_of({**good, "left": 99.0}, {}) == ""
    assert doubt_of({**good, "left": 9.0}, ranges) == (
        "9.0 times as much noise is left in flat areas as is stated, at most 2.2 was usual"
    )
    assert "grain of 3.0 pixels" in doubt_of({**good, "grain": 3.0}, ranges)


class Sure(Copier):
    """Leaves all noise, and says that it is sure."""

    def restore(self, y: torch.Tensor, cond: object = None) -> SimpleNamespace:
        return SimpleNamespace(image=y.clamp(0, 1), scale=torch.full_like(y, 0.2 / 255))


def test_a_picture_that_is_unlike_them_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = [flat(0.3 + 0.01 * index) for index in range(22)]
    fitted = fit_calibration(lambda y: (y, torch.full_like(y, 0.2 / 255)), clean, [0.1])
    monkeypatch.setattr("vaezoo.restore.enhanced.find_calibration", lambda model, task: fitted)
    noisy = gaussian_noise(flat(), 10, 0).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    found = enhance(noisy, model=Sure())
    assert "times as much noise is left in flat areas" in found.doubt and found.calibration is None
    assert found.interval().method == "gaussian"
    monkeypatch.setattr("vaezoo.restore.enhanced.doubt_of", lambda signs, ranges: "")
    like = enhance(noisy, model=Sure())
    assert like.doubt == "" and like.calibration is fitted


def test_cards_keep_the_ranges_and_the_damage() -> None:
    plain = Calibration(1.0, {"68": 1.0, "90": 2.0, "95": 3.0}, 2.0, 2.0, (5.0,), 41)
    assert not {"usual", "damage"} & set(plain.plain())
    full = replace(plain, damage="camera", usual={"left": (0.5, 2.0)})
    assert calibration_from(full.plain()) == full
