"""Opening a trained model by name, or from the folder of a saved one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.errors import ConfigError
from vaezoo.host.manager import current_zoo
from vaezoo.publish.saving import load, read_told
from vaezoo.registry.entries import Model, Source
from vaezoo.registry.registry import split_name
from vaezoo.zoo.create import create

if TYPE_CHECKING:
    from vaezoo.core import VAE


def folder_of(text: str) -> Path | None:
    """Returns the folder that a text means; None if it means a model of the zoo. Names take precedence over folders."""
    path = Path(text)
    known = split_name(text)[0].rpartition("/")[2] in current_zoo().registry.models.entries
    return path if path.is_dir() and not (known and path.name == text) else None


def open_model(text: str, weights: Path | None = None) -> VAE:
    """Opens a model: of the zoo, with its card's weights or a file's, or from a folder of :func:`vaezoo.save`.

    Raises:
        ConfigError: Weights are given beside a folder, which has its own. Or no model was saved in the folder.
        UnknownName: No model has the name.
        WeightsError: The weights are missing or cannot be trusted.
    """
    folder = folder_of(text)
    if folder is None:
        return create(text, pretrained=weights or True)
    if weights is not None:
        message = f"The folder {folder} holds its model's own weights, and {weights} was given too."
        raise ConfigError(message, hint="Leave --weights out, or name a model of the zoo.", value=str(weights))
    return load(folder)


def declared_as(text: str) -> Model:
    """Returns the declaration of a model, given by name or folder; raises as :func:`open_model` does."""
    folder = folder_of(text)
    if folder is None:
        return current_zoo().registry.models.get(split_name(text)[0])
    told = read_told(folder)["model"]
    return Model(str(told["name"]), told, Source(str(told["owner"])))


def task_of(text: str) -> str:
    """Returns the task of a model, given by name or folder; raises as :func:`open_model` does."""
    return declared_as(text).task
