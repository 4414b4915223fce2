"""Hooks of this plugin. Imports no torch."""

from __future__ import annotations

from typing import Any

from vaezoo import hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_weight_policy(card: Any) -> str | None:
    """Refuses weights whose licence is not in the user's list."""
    from .policy import allowed, refusal

    return refusal(card.licence, allowed())


@hookimpl
def vaezoo_cli_commands() -> dict[str, tuple[str, str]]:
    """Returns the command ``licences``."""
    return {"licences": ("vaezoo_licences.verb:licences", "List the licences of weights and of their data.")}
