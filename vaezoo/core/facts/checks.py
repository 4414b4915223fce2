"""Checks of settings that several parts have: widths, belief, modulation, likelihood and its scale. No torch.

`vaezoo.core.facts` publishes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.core.beliefs import belief_kind
from vaezoo.core.likelihood.names import parse_kind
from vaezoo.errors import ConfigError


def check_at_least(minimum: float, /, **values: float) -> None:
    """Raises if a setting is below a minimum or NaN.

    Raises:
        ConfigError: A setting is below the minimum. The message names it.
    """
    for name, value in values.items():
        if not value >= minimum:
            raise ConfigError(f"Expected {name} of at least {minimum:g}, got {value}.", value=value)


def check_widths(name: str, widths: Sequence[int], least: int = 1) -> None:
    """Raises if a layer has no channels, or if there are fewer layers than a part needs.

    Args:
        name: Name of the parameter, for the error message.
        widths: Number of channels of each layer.
        least: Smallest number of layers.

    Raises:
        ConfigError: There are too few layers, or a layer has no channels.
    """
    if len(widths) < least or min(widths, default=1) < 1:
        many = f"{least} or more numbers" if least else "numbers"
        raise ConfigError(f"Expected {name} as {many} of at least 1, got {list(widths)}.", value=tuple(widths))


def check_belief(belief: str) -> str:
    """Checks a kind of belief and returns its name in facts.

    Raises:
        ConfigError: The kind or an option is unknown; see :mod:`vaezoo.core.beliefs`.
    """
    return belief_kind(belief).fact


def check_modulate(modulate: str, vector: int, kinds: Sequence[str] = ("none", "film", "adain")) -> None:
    """Checks how a part reads the context's vector, and that there is a vector to read.

    Raises:
        ConfigError: ``modulate`` is not in ``kinds``, or it needs a vector and ``vector`` is 0.
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
    """Returns a likelihood's name in facts, without options, from a decoder's configuration.

    Raises:
        ConfigError: The likelihood is unknown, or its options cannot be read.
    """
    name, _ = parse_kind(likelihood)
    return "optimal-gaussian" if (name, scale) == ("gaussian", "optimal") else name
