"""Enlarging what was spoilt: damages as they are named, and bicubic enlargement as its own equal."""

from __future__ import annotations

import pytest
import torch

from benchmarks.studies.spoilt import DAMAGES, measure
from tests.restore.fakes import Enlarger
from vaezoo.restore import Restorer


def smooth(height: int = 60, width: int = 70) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_model_that_enlarges_bicubically_gains_nothing(damage: str) -> None:
    found = measure(Restorer(Enlarger()), smooth(), damage, 2, 0, consistent=False)
    assert found[:2] == pytest.approx(found[2:], abs=1e-3) and 20 < found[0] < 60


def test_damage_costs_decibels() -> None:
    scores = {damage: measure(Restorer(Enlarger()), smooth(), damage, 3, 0, consistent=False)[0] for damage in DAMAGES}
    assert scores["clean"] > scores["JPEG 75"] > scores["JPEG 40"] and scores["clean"] > scores["noise 10"] + 3
