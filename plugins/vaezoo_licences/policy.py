"""The user's list of accepted licences."""

from __future__ import annotations

import os

from vaezoo import settings


def allowed() -> tuple[str, ...] | None:
    """Returns the accepted licences: ``$VAEZOO_LICENCES``, or else ``licences`` of the user's configuration.

    None means any licence. Raises a ConfigError if the configuration is malformed.
    """
    given = os.environ.get("VAEZOO_LICENCES")
    if given is None:
        return settings().licences
    return tuple(filter(None, (name.strip() for name in given.split(","))))


def plain(licence: str) -> str:
    """Normalises a licence's name: ``CC BY-SA 4.0`` and ``cc-by-sa-4.0`` become the same."""
    return "-".join(licence.lower().replace("-", " ").split())


def refusal(licence: str, names: tuple[str, ...] | None) -> str | None:
    """Returns the reason to refuse weights with a licence, or None."""
    if names is None or plain(licence) in map(plain, names):
        return None
    return (
        f"their licence is {licence}, and only {', '.join(names) or 'none'} is allowed. "
        "Add it to licences in your configuration or to VAEZOO_LICENCES if it suits you."
    )
