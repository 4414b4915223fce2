"""Fitting the calibration of released weights, from pictures that training has not seen.

The pictures are those that training was validated on, never a test set, and a share of them gets a film's grain first:
that of the recipe's training patches. They get white noise, or are taken by drawn cameras where the recipe's patches
were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.release.cards import read_cards, write_card

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.registry.calibration import Calibration
    from vaezoo.train.damages.patches import Pixels

SIGMAS = (5.0, 15.0, 25.0, 50.0)
"""Noise levels that are pooled: the range that the shelf's denoisers are for."""
CAMERAS = (0.0, 1.0, 2.0)
"""Numbers of the cameras that each picture is taken with, for weights that were trained on photos."""
VALID = "cid22-valid"


def some_grained(pictures: Iterable[Pixels], share: float, seed: int = 0) -> Iterator[Pixels]:
    """Gives a share of pictures (H, W, C), evenly spread, grain as training does, each by a seed of its own."""
    from vaezoo.train.damages.patches import grained

    for index, picture in enumerate(pictures):
        chosen = math.floor((index + 1) * share) > math.floor(index * share)
        yield grained(picture, np.random.default_rng((seed, index))) if chosen else picture


def take_photo(x: Tensor, number: float, seed: int) -> tuple[Tensor, Tensor]:
    """Returns a photo of a clean picture by a camera that training could have drawn, and what should be made of it.

    Args:
        x: (1, 3, H, W) in [0, 1].
        number: Number that names the camera.
        seed: Random seed of the camera and its noise.
    """
    import torch

    from vaezoo.image.damage.camera import take
    from vaezoo.train.damages.photos import draw_camera

    rng = np.random.default_rng((seed, int(number)))
    noise = rng.standard_normal((1, 1, *x.shape[2:]), np.float32)
    return take(x, draw_camera(rng), torch.from_numpy(noise))


def fit(name: str, data: str, grain: float, limit: int | None = None, photos: bool = False) -> Calibration:
    """Returns the calibration of weights.

    Args:
        name: Name of the weights, ``arch.tag``.
        data: The set, as in `vaezoo.data.sets.load_images`.
        grain: Share of the pictures that get grain.
        limit: Number of pictures; None for all.
        photos: Whether drawn cameras take the pictures, in place of white noise.
    """
    import torch

    from vaezoo.data.sets import load_images
    from vaezoo.release.protocol import tensor_of
    from vaezoo.restore import Restorer, fit_calibration
    from vaezoo.zoo.create import create

    torch.set_num_threads(1)
    model = create(name, pretrained=True)
    restorer = Restorer(model)
    images = load_images(data, gray=model.channels == 1)
    pictures = map(tensor_of, some_grained(images.pixels[:limit], grain))
    levels, damage = (CAMERAS, take_photo) if photos else (SIGMAS, None)
    found = fit_calibration(lambda y: restorer(y)[:2], pictures, levels, damage=damage, clean=True)
    found = replace(found, damage="camera" if photos else "noise")
    command = f"vaezoo calibrate {name}" + (f" --data {data}" if data != VALID else "")
    weights = model.origin.weights.sha256
    return replace(found, grain=grain, set=images.source, set_sha256=images.sha256, weights=weights, command=command)


def calibrate(name: str, registry: Path, data: str = VALID) -> Calibration:
    """Fits the calibration of weights, and writes it into their card.

    Args:
        name: Name of the weights, ``arch.tag``.
        registry: The registry file with their card. Their recipe's path is relative to its folder.
        data: A set that the weights were not trained on, as in `vaezoo.data.sets.load_images`.

    Raises:
        UnknownName: The file has no card of that name.
        ConfigError: The weights restore no pictures, or were trained on the set.
        DataMissing: The set is in no folder of ``$VAEZOO_DATA``.
    """
    from vaezoo.host.kinds import names_of
    from vaezoo.host.manager import current_zoo
    from vaezoo.train.recipe import load_recipe

    card = (cards := read_cards(registry)[1]).get(name)
    if card is None:
        raise UnknownName(f"{registry} has no weights called {name!r}.", hint=suggest(name, cards), value=name)
    if current_zoo().registry.models.get(name.partition(".")[0]).task not in names_of("task"):
        raise ConfigError(
            f"{name} makes pictures up and restores none: it has no errors to calibrate.",
            hint="Name weights of a model that restores.",
            value=name,
        )
    if data in {trained_on["set"] for trained_on in card["data"]}:
        raise ConfigError(
            f"{name} was trained on {data}: its errors there are too small.", hint="Take another set.", value=data
        )
    beside = registry.parent / card["recipe"]
    recipe = str(beside) if beside.is_file() else card["recipe"].removeprefix("recipes/").removesuffix(".yaml")
    trained = load_recipe(recipe, stage=card.get("stage", "")).data
    found = fit(name, data, trained.grain, photos=trained.damage in ("photo", "camera"))
    write_card(registry, name, {**card, "calibration": found.plain()})
    return found
