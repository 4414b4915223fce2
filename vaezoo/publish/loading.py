"""A trained model by what a user types: the name of one of the zoo, or the folder of a saved one."""

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
    """Returns the folder that a text means, or None where it means a model of the zoo: names win over folders."""
    path = Path(text)
    known = split_name(text)[0].rpartition("/")[2] in current_zoo().registry.models.entries
    return path if path.is_dir() and not (known and path.name == text) else None


def open_model(text: str, weights: Path | None = None) -> VAE:
    """Returns the model of a name with its card's weights or a file's, or what :func:`vaezoo.save` wrote into a folder.

    Raises:
        ConfigError: There are a folder, which has weights, and others; or nothing was saved in the folder.
        UnknownName: No model has this name.
        WeightsError: The weights cannot be had or trusted.
    """
    folder = folder_of(text)
    if folder is None:
        return create(text, pretrained=weights or True)
    if weights is not None:
        message = f"The folder {folder} holds its model's own weights, and {weights} was given too."
        raise ConfigError(message, hint="Leave --weights out, or name a model of the zoo.", value=str(weights))
    return load(folder)


def declared_as(text: str) -> Model:
    """Returns what is declared of the model of a name, or of the one saved in a folder; raises as its opening does."""
    folder = folder_of(text)
    if folder is None:
        return current_zoo().registry.models.get(split_name(text)[0])
    told = read_told(folder)["model"]
    return Model(str(told["name"]), told, Source(str(told["owner"])))


def task_of(text: str) -> str:
    """Returns the task of the model of a name, or of the one that was saved in a folder; raises as its opening does."""
    return declared_as(text).task
