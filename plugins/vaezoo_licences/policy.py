"""The user's list of licences, and what it says of one."""

from __future__ import annotations

import os

from vaezoo import settings


def allowed() -> tuple[str, ...] | None:
    """Returns the licences that weights may have: ``$VAEZOO_LICENCES``, else ``licences`` of the user's configuration.

    None allows any. Raises a ConfigError where the configuration is malformed.
    """
    given = os.environ.get("VAEZOO_LICENCES")
    if given is None:
        return settings().licences
    return tuple(filter(None, (name.strip() for name in given.split(","))))


def plain(licence: str) -> str:
    """Returns a licence's name so that spellings agree: ``CC BY-SA 4.0`` and ``cc-by-sa-4.0`` are one."""
    return "-".join(licence.lower().replace("-", " ").split())


def refusal(licence: str, names: tuple[str, ...] | None) -> str | None:
    """Returns why weights of this licence are not to be used, or None."""
    if names is None or plain(licence) in map(plain, names):
        return None
    return (
        f"their licence is {licence}, and only {', '.join(names) or 'none'} is allowed. "
        "Add it to licences in your configuration or to VAEZOO_LICENCES if it suits you."
    )
