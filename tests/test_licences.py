"""What is installed is pinned and named with its licence, and the licences of weights have their texts."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.pages.licences import PAGE, dependencies
from vaezoo.host.manager import current_zoo

ROOT = Path(__file__).parents[1]
TEXTS = {"CC BY-SA 4.0": "CC-BY-SA-4.0", "CC0-1.0": "CC0-1.0", "MIT": "MIT"}


def needed(name: str, extras: frozenset[str], found: set[str]) -> None:
    """Adds what a distribution needs, as far as it is installed."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        asked = [
            extra for extra in ("", *extras) if not requirement.marker or requirement.marker.evaluate({"extra": extra})
        ]
        if not asked or (other := canonicalize_name(requirement.name)) in found:
            continue
        try:
            distribution(other)
        except PackageNotFoundError:  # torchvision's wheel is left out beside a CPU torch
            continue
        found.add(other)
        needed(other, frozenset(requirement.extras), found)


def test_the_constraints_name_all_that_is_installed() -> None:
    found: set[str] = set()
    needed("vaezoo", frozenset({"dev", "hub", "bench", "tensorboard"}), found)
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.M)}
    unpinned = found - pinned - {"vaezoo", "setuptools"}  # the latter comes with the interpreter
    assert len(found) > 60 and not unpinned


def test_the_page_names_every_dependency_and_card() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in dependencies():
        assert re.search(rf"^\| {re.escape(name)} \| (?!not stated)", text, re.M), f"run make docs: {name}"
    for name, _, card in current_zoo().registry.cards.all():
        assert f"| `{name}` | {card.licence} |" in text, f"run make docs: {name}"


def test_the_licences_of_weights_have_their_texts() -> None:
    named = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for _, _, card in current_zoo().registry.cards.all():
        assert len((ROOT / "LICENSES" / f"{TEXTS[card.licence]}.txt").read_text(encoding="utf-8")) > 1000
        assert TEXTS[card.licence] in re.search(r'^license = "(.*)"', named, re.M)[1]  # type: ignore[index]
