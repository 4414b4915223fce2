"""Damages by name: a stranger's function, a stranger's class, and what is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaezoo
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, TrainingError
from vaezoo.host.kinds import names_of
from vaezoo.train.damages import Damage
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.data import Source, open_source
from vaezoo.train.purpose import purpose
from vaezoo.train.recipe import DataRecipe, load_recipe

CPU = torch.device("cpu")


def opened(damage: str, monkeypatch: pytest.MonkeyPatch, **data: Any) -> Source:
    pixels = [np.random.default_rng(0).integers(256, size=(40, 48, 3), dtype=np.uint8)]
    monkeypatch.setattr("vaezoo.train.data.load_images", lambda name, gray: Images(name, pixels, "0" * 64, "none"))
    return open_source(DataRecipe(patch=16, damage=damage, **data), ["any"], 0)


def negative(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 1 - patch / np.float32(255)


def raw(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return patch.astype(np.float32)


class Shifted(Damage):
    """Sees what is one pixel further down; a class knows the recipe, has a margin, and a task."""

    task, takes_noise, margin = "align", True, 2

    def check(self) -> None:
        if self.data.reach != 12:
            raise ConfigError("data.reach means nothing to shifted.", value=self.data.reach)

    def spoil(self, region: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
        return np.roll(region, -1, axis=0) / np.float32(255), (1, 1)


def test_a_function_damages_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    vaezoo.register_damage("test-negative", negative)
    batch = opened("test-negative", monkeypatch).batch(0, range(4), 4, CPU)
    torch.testing.assert_close(batch.y, 1 - batch.target)
    assert purpose(DataRecipe(patch=16, damage="test-negative")) == "denoise"
    with pytest.raises(ConfigError, match="used without sigma, not 'test-negative'"):
        load_recipe("mlp-vae", ["data={patch: 16, damage: test-negative, sigma: [0, 5]}"])


def test_a_class_has_a_margin_a_task_and_a_word_on_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    vaezoo.register_damage("test-shifted", Shifted)
    batch = opened("test-shifted", monkeypatch).batch(0, range(4), 4, CPU)
    assert batch.y.shape == (4, 3, 16, 16)
    torch.testing.assert_close(batch.y[:, :, :-1], batch.target[:, :, 1:])
    noisy = opened("test-shifted", monkeypatch, sigma=[20.0, 20.0]).batch(0, range(4), 4, CPU)
    assert 15 < 255 * float((noisy.y - batch.y).std()) < 25
    assert purpose(DataRecipe(patch=16, damage="test-shifted")) == "align"
    with pytest.raises(ConfigError, match="means nothing to shifted"):
        load_recipe("mlp-vae", ["data={patch: 16, damage: test-shifted, reach: 5}"])


def test_what_is_no_damage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vaezoo.register_damage("test-raw", raw)
    with pytest.raises(TrainingError, match=r"'test-raw' to return \(16, 16, 3\) in \[0, 1\], got .* to 255"):
        opened("test-raw", monkeypatch).batch(0, range(4), 4, CPU)
    vaezoo.register_damage("test-dict", dict)
    with pytest.raises(ConfigError, match="'test-dict' to be a function or a class that inherits Damage"):
        damage_of(DataRecipe(damage="test-dict"))


@pytest.mark.parametrize("damage", ["photo", "camera", "saved", "reduce", "reduce-photo", "recorrupt", "jpeg", "blur"])
def test_the_houses_are_made_by_name(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert damage in names_of("damage")
    patch = 8 if "reduce" in damage else 16
    pixels = [np.random.default_rng(0).integers(256, size=(80, 80, 3), dtype=np.uint8)]
    made = damage_of(DataRecipe(patch=patch, damage=damage))
    assert made is not None
    batch = made.source((Images("noise", pixels, "0" * 64, "none"),), 0).batch(0, range(2), 2, CPU)
    assert batch.y.shape == (2, 3, patch, patch) and not torch.equal(batch.y, batch.target)
