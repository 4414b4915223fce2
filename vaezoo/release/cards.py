"""The cards of a registry file, which commands write. The text above the cards is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vaezoo.errors import ConfigError
from vaezoo.files.atomic import write_whole

HEADER = "\n# Written by vaezoo card; not by hand.\n"
_HEADER = re.compile(r"\n# Written by [^\n]*; not by hand\.\n")


def read_cards(file: Path) -> tuple[str, dict[str, Any]]:
    """Returns the text of a registry file above its cards, and the cards by name.

    Raises:
        ConfigError: The file cannot be read, or its cards were written by hand.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        hint = "Name the registry file of the plugin that declares the model."
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", hint=hint, value=str(file)) from error
    head, *tail = _HEADER.split(text, maxsplit=1)
    if "weights" in (yaml.safe_load(head) or {}):
        hint = f"Move them to the end of the file, below the line {HEADER.strip()!r}."
        raise ConfigError(f"The cards of {file} were written by hand.", hint=hint, value=str(file))
    return head, (yaml.safe_load(tail[0]) or {}).get("weights", {}) if tail else {}


def write_card(file: Path, name: str, card: Mapping[str, Any]) -> None:
    """Writes one card into a registry file, in the order of names. The rest stays as it is.

    Args:
        file: Path of the registry file.
        name: Name of the weights, ``arch.tag``.
        card: Fields of the card, as plain values.

    Raises:
        ConfigError: The file cannot be read, or its cards were written by hand.
        StoreError: The file cannot be written.
    """
    head, cards = read_cards(file)
    cards = {**cards, name: dict(card)}
    body = yaml.safe_dump({"weights": dict(sorted(cards.items()))}, sort_keys=False, allow_unicode=True, width=110)
    write_whole(file, (head.rstrip("\n") + "\n" + HEADER + body).encode())
