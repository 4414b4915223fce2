"""What the verbs that take a trained model share: a NAME of the zoo, or the folder of a saved one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..core import VAE


def open_model(name: str, weights: Path | None = None) -> VAE:
    """Returns the model NAME with its card's weights or a file's, or what :func:`vaezoo.save` wrote into a folder.

    Raises:
        ConfigError: There are a folder, which has weights, and others.
    """
    from ..zoo import create, load
    from ..zoo.saving import is_saved

    if not is_saved(name):
        return create(name, pretrained=weights or True)
    if weights is not None:
        message = f"The folder {name} holds its model's own weights, and {weights} was given too."
        raise ConfigError(message, hint="Leave --weights out, or name a model of the zoo.", value=str(weights))
    return load(name)


def task_of(name: str) -> str:
    """Returns the task of the model NAME, or of the model that one in a folder was made from."""
    from ..zoo import model_info
    from ..zoo.saving import name_of

    return str(model_info(name_of(name))["task"])
