"""What a trained model is for: said where nothing said it, and taken by `enhance` then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaezoo
from vaezoo.errors import ConfigError
from vaezoo.publish.loading import task_of
from vaezoo.train.loop import train
from vaezoo.train.purpose import purpose
from vaezoo.train.recipe import DataRecipe, Recipe


@pytest.mark.parametrize(
    ("data", "task"),
    [
        ({}, None),
        ({"patch": 16}, None),
        ({"sigma": [0.0, 9.0]}, None),
        ({"patch": 16, "sigma": [0.0, 9.0]}, "denoise"),
        ({"patch": 16, "pairs": ["a", "b"]}, "denoise"),
        ({"patch": 16, "damage": "photo"}, "denoise"),
        ({"patch": 16, "damage": "recorrupt"}, "denoise"),
        ({"patch": 16, "damage": "saved"}, "dejpeg"),
        ({"patch": 16, "damage": "reduce"}, "sr"),
        ({"patch": 16, "damage": "blur", "sigma": [0.0, 9.0]}, "blind-deblur"),
    ],
)
def test_the_damage_says_what_is_learned(data: dict[str, object], task: str | None) -> None:
    assert purpose(DataRecipe(**data)) == task  # type: ignore[arg-type]


def test_a_generative_model_that_learned_to_restore_enhances_and_another_does_not(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo).save(tmp_path / "photos/a.png")
    for name, sigma in (("restores", [0.0, 25.0]), ("generates", [0.0, 0.0])):
        data = DataRecipe(sets=[str(tmp_path / "photos")], patch=16, sigma=sigma)
        recipe = Recipe(model="conv-beta", overrides=["image_channels=3"], data=data, steps=1, batch=2)
        train(recipe, tmp_path / name)
    folder = tmp_path / "restores/model"
    assert task_of(str(folder)) == "denoise" and vaezoo.load(folder).origin.spec.model.task == "denoise"
    assert vaezoo.enhance(photo, model=str(folder)).image.shape == photo.shape
    with pytest.raises(ConfigError, match=r"generates them: its task is 'generate'"):
        vaezoo.enhance(photo, model=str(tmp_path / "generates/model"))


def test_a_declared_task_stays(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "a.png")
    data = DataRecipe(sets=[str(tmp_path)], patch=24, damage="jpeg")
    train(Recipe(model="denoise-small", data=data, steps=1, batch=1), tmp_path / "run")
    assert task_of(str(tmp_path / "run/model")) == "denoise"
