"""Cards of weights: what they are, where they are, how they were trained, their scores, and their hashes.

The classes are the file format: `vaezoo.files.schema` makes the JSON Schema of them by which cards are parsed.
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
        set: Name of the data set.
        licence: Licence of the data.
        sha256: Hash of the content, as `vaezoo.data.sets` computes it.
        images: Number of images.
        url: Where to get the data.
    """

    set: Text
    licence: Text
    sha256: Sha256 = ""
    images: Count = 0
    url: str = ""


@dataclass(frozen=True)
class Card:
    """Card of one weight file.

    Weights that were trained by a recipe have all of ``recipe`` to ``cpu_hours``. Weights that somebody else trained
    and published have ``publisher`` instead.

    Attributes:
        name: Name of the weights, ``arch.tag``.
        urls: Places of the file, tried in order: ``pkg://package/path``, ``file:///path``, ``https://host/path`` or
            ``hf://organisation/repository@revision/path``.
        sha256: Hash of the file.
        size_bytes: Size of the file in bytes.
        licence: Licence of the weights.
        data: Training data, with name, licence and hash of each set.
        recipe: Name of the recipe.
        stage: Name of the recipe's stage that made these weights. Empty means the last.
        recipe_sha256: Hash of the stage's settings, as resolved for the run; see `vaezoo.train.recipe.stages`.
        command: Command that trained the weights.
        seed: Random seed of the run.
        steps: Number of optimiser steps.
        hardware: Hardware of the run.
        cpu_hours: CPU hours of the run.
        scores: Scores by name; ``protocol`` says how they were measured.
        protocol: How the scores were measured, as text.
        evaluation: How the scores were measured, as fields; see :class:`vaezoo.registry.evaluation.Evaluation`.
        baselines: Scores of other methods, measured by the same protocol in the same run, by name.
        tolerance: Largest difference between a score of a rerun and the card's, by name of the score. For scores
            without one, see `vaezoo.evaluate.agreement`.
        probe: Fingerprint of the model's output for a seeded input; see :mod:`vaezoo.zoo.probe`.
        calibration: How large the model's errors are; see :class:`vaezoo.registry.calibration.Calibration`.
        publisher: URL at which the publisher describes these weights.
        notes: Further remarks, such as the runs that this one started from.
    """

    name: str
    urls: Annotated[tuple[Text, ...], ("minItems", 1)]
    sha256: Sha256
    size_bytes: Count
    licence: Text
    data: tuple[Mapping[str, Any], ...]
    recipe: str = ""
    stage: str = field(default="", kw_only=True)  # as it came later, no position moved
    recipe_sha256: Sha256 = ""
    command: str = ""
    seed: int = 0
    steps: Count = 0
    hardware: str = ""
    cpu_hours: Number = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    protocol: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tolerance: Mapping[str, Number] = field(default_factory=dict)
    probe: tuple[float, ...] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)
    publisher: str = ""
    notes: str = ""


TRAINED = ("recipe", "recipe_sha256", "command", "seed", "steps", "hardware", "cpu_hours")
"""Fields that the card of weights from a recipe must have."""


def card_schema() -> dict[str, Any]:
    """Returns the JSON Schema of a card: the mapping under its name."""
    schema = schema_of(Card)
    del schema["properties"]["name"]
    schema["required"].remove("name")
    schema["properties"]["data"]["items"] = schema_of(DataSet)
    schema["properties"]["calibration"] |= schema_of(Calibration)
    schema["properties"]["evaluation"] |= {"additionalProperties": False, **schema_of(Evaluation)}
    schema["anyOf"] = [{"required": ["publisher"]}, {"required": [*TRAINED]}]
    return schema


def card_from(name: str, body: Mapping[str, Any], where: str) -> Card:
    """Reads a card of a registry file.

    Args:
        name: Name of the weights, ``arch.tag``.
        body: Mapping under that name.
        where: File and line, for error messages.

    Raises:
        ConfigError: A key is unknown or missing, or a value has the wrong type.
    """
    conform(body, card_schema(), where, f"the card of {name!r}")
    lists = {key: tuple(value) for key, value in body.items() if isinstance(value, list)}
    fields = {**body, **lists}
    if not fields.get("evaluation") and (told := from_protocol(name, fields.get("protocol", ""), where)):
        fields["evaluation"] = told
    return Card(name=name, **fields)
