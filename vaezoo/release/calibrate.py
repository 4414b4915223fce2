"""Fitting the calibration of released weights, on images that training has not seen.

The images are those of the validation, never a test set. A share of them gets film grain first, as in the recipe's
training patches. Then they get white noise, or are photographed by random cameras if the recipe's patches were.
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
"""Noise levels that are pooled: the range of the zoo's denoisers."""
CAMERAS = (0.0, 1.0, 2.0)
"""Numbers of the cameras for each image, for weights that were trained on photos."""
VALID = "cid22-valid"


def some_grained(pictures: Iterable[Pixels], share: float, seed: int = 0) -> Iterator[Pixels]:
    """Gives film grain to a share of images (H, W, C), evenly spread, as training does. Each has its own seed."""
    from vaezoo.train.damages.patches import grained

    for index, picture in enumerate(pictures):
        chosen = math.floor((index + 1) * share) > math.floor(index * share)
        yield grained(picture, np.random.default_rng((seed, index))) if chosen else picture


def take_photo(x: Tensor, number: float, seed: int) -> tuple[Tensor, Tensor]:
    """Returns a photo of a clean image by a random camera of training, and the target.

    Args:
        x: Clean image (1, 3, H, W) in [0, 1].
        number: Number of the camera.
        seed: Random seed of the camera and its noise.
    """
    import torch

    from vaezoo.image.damage.camera import take
    from vaezoo.train.damages.photos import draw_camera

    rng = np.random.default_rng((seed, int(number)))
    noise = rng.standard_normal((1, 1, *x.shape[2:]), np.float32)
    return take(x, draw_camera(rng), torch.from_numpy(noise))


def fit(name: str, data: str, grain: float, limit: int | None = None, photos: bool = False) -> Calibration:
    """Fits the calibration of weights.

    Args:
        name: Name of the weights, ``arch.tag``.
        data: Data set, as for `vaezoo.data.sets.load_images`.
        grain: Share of the images that get grain.
        limit: Number of images. None means all.
        photos: Whether random cameras take the images, instead of white noise.
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
    """Fits the calibration of weights and writes it into their card.

    Args:
        name: Name of the weights, ``arch.tag``.
        registry: Path of the registry file with their card. The path of their recipe is relative to its folder.
        data: Data set that the weights were not trained on, as for `vaezoo.data.sets.load_images`.

    Raises:
        UnknownName: The file has no card with the name.
        ConfigError: The model does not restore images, or was trained on the set.
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
            f"{name} generates images and restores none, so it has no errors to calibrate.",
            hint="Name weights of a model that restores.",
            value=name,
        )
    if data in {trained_on["set"] for trained_on in card["data"]}:
        raise ConfigError(
            f"{name} was trained on {data}: its errors there are too small.", hint="Use another set.", value=data
        )
    beside = registry.parent / card["recipe"]
    recipe = str(beside) if beside.is_file() else card["recipe"].removeprefix("recipes/").removesuffix(".yaml")
    trained = load_recipe(recipe, stage=card.get("stage", "")).data
    found = fit(name, data, trained.grain, photos=trained.damage in ("photo", "camera"))
    write_card(registry, name, {**card, "calibration": found.plain()})
    return found
