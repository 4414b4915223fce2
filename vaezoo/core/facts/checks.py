"""What settings that several parts share may be: widths, a belief, a modulation, a likelihood and its scale. No torch.

Published by `vaezoo.core.facts`, where parts use them.
"""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.core.beliefs import belief_kind
from vaezoo.core.likelihood.names import parse_kind
from vaezoo.errors import ConfigError


def check_at_least(minimum: float, /, **values: float) -> None:
    """Refuses settings below a minimum, and NaN.

    Raises:
        ConfigError: One is; the message names it.
    """
    for name, value in values.items():
        if not value >= minimum:
            raise ConfigError(f"Expected {name} of at least {minimum:g}, got {value}.", value=value)


def check_widths(name: str, widths: Sequence[int], least: int = 1) -> None:
    """Refuses layers of no channels, and fewer of them than a part needs.

    Args:
        name: Of the parameter, for the message.
        widths: Channels of each layer.
        least: How many layers there have to be.

    Raises:
        ConfigError: There are fewer, or one has no channel.
    """
    if len(widths) < least or min(widths, default=1) < 1:
        many = f"{least} or more numbers" if least else "numbers"
        raise ConfigError(f"Expected {name} as {many} of at least 1, got {list(widths)}.", value=tuple(widths))


def check_belief(belief: str) -> str:
    """Refuses a kind of belief that :func:`vaezoo.core.believe` cannot make, and returns what facts call it.

    Raises:
        ConfigError: No kind has this name, or it has no such option; see :mod:`vaezoo.core.beliefs`.
    """
    return belief_kind(belief).fact


def check_modulate(modulate: str, vector: int, kinds: Sequence[str] = ("none", "film", "adain")) -> None:
    """Refuses a way to read the context's vector that there is not, or one without a vector.

    Raises:
        ConfigError: It is none of ``kinds``, or ``vector`` is 0 though it reads one.
    """
    if modulate not in kinds:
        raise ConfigError(f"Expected modulate to be one of {', '.join(kinds)}, got {modulate!r}.", value=modulate)
    if modulate != "none" and not vector:
        raise ConfigError(
            f"Expected a context_vector for modulate {modulate!r} to read, got 0.",
            hint="Choose a conditioner that gives one.",
            value=vector,
        )


def likelihood_fact(likelihood: str, scale: float | str) -> str:
    """Returns the likelihood's name in facts, without its options, from a head's configuration.

    Raises:
        ConfigError: There is no such likelihood, or its options cannot be read.
    """
    name, _ = parse_kind(likelihood)
    return "optimal-gaussian" if (name, scale) == ("gaussian", "optimal") else name
