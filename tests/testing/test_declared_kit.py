"""The kit tries what a plugin declares by name: what is of its kind passes, what is not fails."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vaezoo.errors import TrainingError
from vaezoo.host.kinds import find, names_of
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import USER
from vaezoo.testing.declared import check_declared

KINDS = ("damage", "metric", "optimizer", "schedule", "belief", "likelihood", "data")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_passes(kind: str) -> None:
    for name in names_of(kind):
        if current_zoo().registry.kinds[kind].get(name).source.owner != USER:  # what another test registered
            check_declared(kind, name, find(kind, name))


@pytest.mark.parametrize(
    ("kind", "found", "message"),
    [
        ("damage", lambda patch, rng: patch, "to return"),
        ("metric", lambda result, truth: torch.zeros(()), "not a number an image"),
        ("optimizer", lambda parameters, settings: [1], "returns no torch optimizer"),
        ("schedule", lambda step, steps, settings: -1.0, "below 0"),
        ("belief", lambda: 3, "returns no BeliefKind"),
        ("likelihood", int, "inherits no LikelihoodKind"),
        ("data", {}, "neither a function nor"),
    ],
)
def test_what_is_none_fails(kind: str, found: Any, message: str) -> None:
    with pytest.raises((AssertionError, TrainingError), match=message):
        check_declared(kind, "acme", found)
