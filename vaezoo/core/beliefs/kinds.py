"""Kinds of belief by name: how many channels a network gives for each, and who makes a posterior of them. No torch.

A belief is said as ``NAME`` or ``NAME(key=value)``. A name is the house's, or an entry point of the group
``vaezoo.beliefs``, or a reference ``package.module:function``; each is a function that returns a :class:`BeliefKind`,
and whose signature is the kind's configuration.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from vaezoo.errors import ConfigError, suggest

GROUP = "vaezoo.beliefs"
_TEXT = re.compile(r"(?P<name>[\w.:-]+)(?:\((?P<options>.*)\))?")


@dataclass(frozen=True)
class BeliefKind:
    """What a kind of belief needs and gives.

    Attributes:
        fact: What facts call it, which priors and losses take or refuse: a word, with the options that a prior must
            share, such as ``categorical(classes=10)``; ``density`` for any density over real vectors.
        channels: From latent channels D to the raw channels a network has to give.
        target: ``package.module:function``, called with the raw output (B, c, ...) and the options; it returns the
            :class:`vaezoo.core.Posterior`.
        options: Those of the target.
    """

    fact: str
    channels: Callable[[int], int]
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


def gaussian() -> BeliefKind:
    """Means and log-variances."""
    return BeliefKind("gaussian", lambda d: 2 * d, "vaezoo.core.beliefs.posterior:diagonal_gaussian")


def dirac() -> BeliefKind:
    """Points."""
    return BeliefKind("dirac", lambda d: d, "vaezoo.core.beliefs.posterior:Dirac")


def full_gaussian() -> BeliefKind:
    """Means and a lower triangle."""
    return BeliefKind("density", lambda d: d + d * (d + 1) // 2, "vaezoo.core.beliefs.covariance:full_gaussian")


_HOUSE: dict[str, Callable[..., BeliefKind]] = {
    "gaussian": gaussian,
    "dirac": dirac,
    "full-gaussian": full_gaussian,
}


def _function(name: str) -> Callable[..., BeliefKind]:
    if name in _HOUSE:
        return _HOUSE[name]
    module, colon, attribute = name.partition(":")
    found = entry_points(group=GROUP)
    try:
        if colon:
            return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
        values = {point.value: point for point in found if point.name == name}
        if len(values) == 1:
            return next(iter(values.values())).load()  # type: ignore[no-any-return]
    except Exception as error:
        raise ConfigError(
            f"Expected a kind of belief, but {name!r} fails with {type(error).__name__}: {error}", value=name
        ) from error
    if values:
        raise ConfigError(
            f"The belief {name!r} is claimed by {' and '.join(sorted(values))}.", hint="Say which.", value=name
        )
    known = sorted({*_HOUSE, *(point.name for point in found)})
    raise ConfigError(
        f"Expected belief to be one of {', '.join(known)}, or package.module:function, got {name!r}.",
        hint=suggest(name, known),
        value=name,
    )


@lru_cache(maxsize=256)
def belief_kind(belief: str) -> BeliefKind:
    """Returns the kind that a text says.

    Raises:
        ConfigError: No kind has this name, or it has no such option.
    """
    said = _TEXT.fullmatch(belief)
    if said is None:
        raise ConfigError(f"Expected belief as NAME or NAME(key=value), got {belief!r}.", value=belief)
    function = _function(said["name"])
    try:
        call = ast.parse(f"f({said['options'] or ''})", mode="eval").body
        options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}  # type: ignore[attr-defined]
        inspect.signature(function).bind(*call.args, **options)  # type: ignore[attr-defined]
    except (SyntaxError, ValueError, TypeError) as error:
        takes = ", ".join(inspect.signature(function).parameters) or "none"
        raise ConfigError(
            f"Expected belief as NAME(key=value) with options {takes}, got {belief!r}.", value=belief
        ) from (error)
    return function(**options)


def belief_channels(belief: str, latent_channels: int) -> int:
    """Returns how many raw channels a network has to give for D latent channels.

    Raises:
        ConfigError: See :func:`belief_kind`.
    """
    return belief_kind(belief).channels(latent_channels)


@lru_cache(maxsize=256)
def maker(belief: str) -> Callable[..., Any]:
    """Returns the function that makes a posterior of raw channels; it imports torch."""
    module, _, attribute = belief_kind(belief).target.partition(":")
    return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
