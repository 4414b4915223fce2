"""A weight's card: what it is, where it came from, what it scores, how to tell that it is still itself.

The classes are the file format: `vaezoo.files.schema` makes their JSON Schema, by which a card is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from vaezoo.files.schema import conform, schema_of
from vaezoo.registry.calibration import Calibration
from vaezoo.registry.evaluation import Evaluation, from_protocol

Sha256 = Annotated[str, ("pattern", "^[0-9a-f]{64}$"), ("title", "64 hexadecimal digits")]
Text = Annotated[str, ("minLength", 1)]
Count = Annotated[int, ("minimum", 0)]
Number = Annotated[float, ("minimum", 0)]


@dataclass(frozen=True)
class DataSet:
    """A data set that weights were trained on.

    Attributes:
        set: Its name.
        licence: Of the data.
        sha256: Hash of its content, computed as `vaezoo.data.sets` does.
        images: How many.
        url: Where it is to be had.
    """

    set: Text
    licence: Text
    sha256: Sha256 = ""
    images: Count = 0
    url: str = ""


@dataclass(frozen=True)
class Card:
    """What is known of one weight file.

    Weights of a recipe of ours have all of ``recipe`` to ``cpu_hours``; those that somebody else trained and published
    have ``publisher`` in their place.

    Attributes:
        name: ``arch.tag``.
        urls: Where it is, tried in order: ``pkg://package/path``, ``file:///path``, ``https://host/path`` or
            ``hf://organisation/repository@revision/path``.
        sha256: Of the file.
        size_bytes: Of the file.
        licence: Of the weights.
        data: Training data: name, licence and sha256 of each.
        recipe: Name of its recipe.
        stage: Name of the recipe's stage whose weights these are; empty for the last one.
        recipe_sha256: Hash of the stage's settings as resolved for the run, see `vaezoo.train.recipe.stages`.
        command: What trained it.
        seed: Of the run.
        steps: Optimiser steps.
        hardware: What it ran on.
        cpu_hours: Processor hours spent.
        scores: Name to value, with the protocol in ``protocol``.
        protocol: What the scores mean.
        evaluation: How they were measured, see :class:`vaezoo.registry.evaluation.Evaluation`.
        baselines: Scores of others by the same protocol in the same run: name to such a mapping.
        tolerance: How far a score may be from the card's when the recipe is run again, by the score's name; see
            `vaezoo.evaluate.agreement` for those that are not named.
        probe: Fingerprint of a seeded input's output, see :mod:`vaezoo.zoo.probe`.
        calibration: How far its errors go, see :class:`vaezoo.registry.calibration.Calibration`.
        publisher: Where somebody else says what these weights are, as a URL.
        notes: Anything else, such as earlier runs it started from.
    """

    name: str
    urls: Annotated[tuple[Text, ...], ("minItems", 1)]
    sha256: Sha256
    size_bytes: Count
    licence: Text
    data: tuple[Mapping[str, Any], ...]
    recipe: str = ""
    stage: str = ""
    recipe_sha256: Sha256 = ""
    command: str = ""
    seed: int = 0
    steps: Count = 0
    hardware: str = ""
    cpu_hours: Number = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    protocol: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tolerance: Mapping[str, Number] = field(default_factory=dict)
    probe: tuple[float, ...] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)
    publisher: str = ""
    notes: str = ""


TRAINED = ("recipe", "recipe_sha256", "command", "seed", "steps", "hardware", "cpu_hours")
"""What the card of weights that were trained by a recipe has to say of it."""


def card_schema() -> dict[str, Any]:
    """Returns the JSON Schema of a card, as it stands under its name."""
    schema = schema_of(Card)
    del schema["properties"]["name"]
    schema["required"].remove("name")
    schema["properties"]["data"]["items"] = schema_of(DataSet)
    schema["properties"]["calibration"] |= schema_of(Calibration)
    schema["properties"]["evaluation"] |= {"additionalProperties": False, **schema_of(Evaluation)}
    schema["anyOf"] = [{"required": ["publisher"]}, {"required": [*TRAINED]}]
    return schema


def card_from(name: str, body: Mapping[str, Any], where: str) -> Card:
    """Returns the card that a registry file declares.

    Args:
        name: ``arch.tag``.
        body: The mapping under that name.
        where: File and line, for messages.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of the wrong kind.
    """
    conform(body, card_schema(), where, f"the card of {name!r}")
    lists = {key: tuple(value) for key, value in body.items() if isinstance(value, list)}
    fields = {**body, **lists}
    if not fields.get("evaluation") and (told := from_protocol(name, fields.get("protocol", ""), where)):
        fields["evaluation"] = told
    return Card(name=name, **fields)
