"""How the scores on a card were measured, as fields. A former form, a command in the protocol's text, is also read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

Count = Annotated[int, ("minimum", 0)]
Number = Annotated[float, ("minimum", 0)]
Style = Annotated[str, ("enum", ["", "class", "code", "reference"])]


@dataclass(frozen=True)
class Evaluation:
    """Options of ``vaezoo eval`` that give the scores of a card.

    Attributes:
        data: Name of the test set. Empty means the set of the model's task.
        limit: Number of images, drawn by a fixed seed. 0 means all.
        levels: Levels of the damage, in the task's unit. Empty means the task's own.
        nll: Number of importance samples for the likelihood. 0 measures only the bound.
        binarise: Whether gray images are binarised by seeded draws.
        seed: Random seed of the latents and of the binarisation.
        style: How the model is told the style in which each image is drawn. Empty for images as they are.
    """

    data: str = ""
    limit: Count = 0
    levels: tuple[Number, ...] = ()
    nll: Count = 0
    binarise: bool = False
    seed: int = 0
    style: Style = ""

    def command(self, name: str) -> str:
        """Returns the command that measures the scores of the weights ``name``."""
        words = ["vaezoo eval", name]
        for key, value in asdict(self).items():
            if value == getattr(Evaluation(), key):
                continue
            if key == "levels":
                value = ",".join(f"{level:g}" for level in value)
            words.append(f"--{key}" if value is True else f"--{key} {value}")
        return " ".join(words)


def evaluation_of(told: Mapping[str, Any]) -> Evaluation:
    """Returns the fields of a card as one object."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return Evaluation(**fields)


_OLD: dict[str, tuple[str, Callable[[str], Any]]] = {
    "--data": ("data", str),
    "--limit": ("limit", int),
    "--levels": ("levels", lambda text: [float(word) for word in text.split(",")]),
    "--sigma": ("levels", lambda text: [float(word) for word in text.split(",")]),
    "--nll": ("nll", int),
    "--seed": ("seed", int),
    "--style": ("style", str),
}
"""Options of the former form, each with its field and type. ``--binarise`` has no value."""


def from_protocol(name: str, protocol: str, where: str) -> dict[str, Any]:
    """Reads the fields that a card of the former form states as a command, and warns.

    Args:
        name: Name of the card.
        protocol: Text that may end in a command ``vaezoo eval NAME --option value``.
        where: File and line, for the warning.

    Returns:
        Fields; empty if the text does not end in such a command.
    """
    command = protocol.rpartition("vaezoo eval ")[2].split()[1:] if "vaezoo eval " in protocol else None
    if command is None:
        return {}
    found: dict[str, Any] = {"seed": 0}
    while command:
        option = command.pop(0)
        if option == "--binarise":
            found["binarise"] = True
        elif option in _OLD and command:
            key, kind = _OLD[option]
            try:
                found[key] = kind(command.pop(0))
            except ValueError:
                return {}
        else:
            return {}
    fields = ", ".join(f"{key}: {value}" for key, value in found.items())
    warnings.warn(
        f"vaezoo: {where}: the protocol of {name!r} ends in a command; state its options beside it, as "
        f"evaluation: {{{fields}}}",
        FutureWarning,
        stacklevel=2,
    )
    return found
