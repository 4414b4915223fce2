"""Kinds of belief by name: how many channels a network gives for each, and who makes a posterior of them. No torch.

A belief is said as ``NAME`` or ``NAME(key=value)``. A name is declared, as ``beliefs`` of a registry file or by
`vaezoo.register_belief`, or is a reference ``package.module:function``, in code alone; each is a function that returns
a :class:`BeliefKind`, and whose signature is the kind's configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from vaezoo.core.choice import check_options, parse_choice
from vaezoo.errors import BackendUnavailable, ConfigError
from vaezoo.lookup import FINDERS


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


OWN: dict[str, Callable[..., BeliefKind]] = {
    "gaussian": gaussian,
    "dirac": dirac,
    "full-gaussian": full_gaussian,
}
"""The core's own, which are there without any plugin being looked for."""


def _function(name: str) -> Callable[..., BeliefKind]:
    if name in OWN:
        return OWN[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        return FINDERS["belief"](name)
    try:
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"Expected a kind of belief, but {name!r} fails with {type(error).__name__}: {error}", value=name
        ) from error


def belief_kind(belief: str) -> BeliefKind:
    """Returns the kind that a text says.

    Raises:
        ConfigError: No kind has this name, or it has no such option.
        PluginError: The function that is declared under it fails.
    """
    return _made(belief, _function(parse_choice(belief, "belief")[0]))


@lru_cache(maxsize=256)
def _made(belief: str, function: Callable[..., BeliefKind]) -> BeliefKind:
    settings = parse_choice(belief, "belief")[1]
    check_options(belief, "belief", settings, function)
    kind = function(**settings)
    if not isinstance(kind, BeliefKind):
        raise ConfigError(f"Expected the belief {belief!r} to be a BeliefKind, got {kind!r}.", value=kind)
    return kind


def belief_channels(belief: str, latent_channels: int) -> int:
    """Returns how many raw channels a network has to give for D latent channels.

    Raises:
        ConfigError: See :func:`belief_kind`.
    """
    return belief_kind(belief).channels(latent_channels)


def maker(belief: str) -> Callable[..., Any]:
    """Returns the function that makes a posterior of raw channels; it imports torch.

    Raises:
        ConfigError: See :func:`belief_kind`.
        BackendUnavailable: The function cannot be imported; the cause is in the message.
    """
    return _imported(belief, belief_kind(belief).target)


@lru_cache(maxsize=256)
def _imported(belief: str, target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    except (Exception, SystemExit) as error:
        raise BackendUnavailable(
            f"The belief {belief!r} needs {target}, which fails with {type(error).__name__}: {error}", value=belief
        ) from error
