"""``python -m benchmarks.shelve RUN --tag TAG --package PACKAGE``: ``vaezoo card`` for plugins of this repository."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from vaezoo.cli import main

ROOT = Path(__file__).parents[1]
SHELF = ROOT / "registry.yaml"


def in_repository(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments of ``vaezoo card``: this registry file, and a package's folder for its name."""
    words = [word for each in arguments for word in (each.split("=", 1) if each.startswith("--package=") else [each])]
    for index, word in enumerate(words[:-1]):
        if word == "--package":
            words[index + 1] = str(ROOT / "plugins" / words[index + 1])
    return [*words, "--registry", str(SHELF)]


if __name__ == "__main__":
    main(["card", *in_repository(sys.argv[1:])])
