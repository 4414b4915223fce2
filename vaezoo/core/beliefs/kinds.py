"""Kinds of belief by name. A kind says how many channels a network must give and how a posterior is made of them.

A belief is written as ``NAME`` or ``NAME(key=value)``. A name is declared under ``beliefs`` of a registry file or by
`vaezoo.register_belief`. In code it may also be a reference ``package.module:function``. Each name stands for a
function that returns a :class:`BeliefKind`; the parameters of the function are the options of the kind. No torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from vaezoo.core.choice import check_options, parse_choice
from vaezoo.errors import BackendUnavailable, ConfigError, words_of
from vaezoo.lookup import FINDERS, check_reference


@dataclass(frozen=True)
class BeliefKind:
    """What a kind of belief takes from a network, and what makes a posterior of it.

    Attributes:
        fact: Name of the kind in facts, by which priors and losses accept or refuse it. It includes options that a
            prior must share, such as ``categorical(classes=10)``. ``density`` stands for any density over real vectors.
        channels: Function from the number of latent channels D to the number of raw channels that a network must give.
        target: Function that makes a :class:`vaezoo.core.Posterior` of raw output (B, c, ...), as
            ``package.module:function``. It is called with the output and the options.
        options: Options for the target.
    """

    fact: str
    channels: Callable[[int], int]
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


def gaussian() -> BeliefKind:
    """Diagonal Gaussian: means and log-variances."""
    return BeliefKind("gaussian", lambda d: 2 * d, "vaezoo.core.beliefs.posterior:diagonal_gaussian")


def dirac() -> BeliefKind:
    """Point mass: the points themselves."""
    return BeliefKind("dirac", lambda d: d, "vaezoo.core.beliefs.posterior:Dirac")


def full_gaussian() -> BeliefKind:
    """Gaussian with a full covariance: means and a lower triangle."""
    return BeliefKind("density", lambda d: d + d * (d + 1) // 2, "vaezoo.core.beliefs.covariance:full_gaussian")


OWN: dict[str, Callable[..., BeliefKind]] = {
    "gaussian": gaussian,
    "dirac": dirac,
    "full-gaussian": full_gaussian,
}
"""Kinds of the core itself. No plugin has to be looked for to find them."""


def _function(name: str) -> Callable[..., BeliefKind]:
    if name in OWN:
        return OWN[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        return FINDERS["belief"](name)
    check_reference(name)
    try:
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"Expected a kind of belief, but {name!r} fails with {type(error).__name__}: {words_of(error)}", value=name
        ) from error


def belief_kind(belief: str) -> BeliefKind:
    """Returns the kind of belief that a text names.

    Raises:
        ConfigError: The kind or an option is unknown.
        PluginError: The function that is declared under the name fails.
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
    """Returns the number of raw channels that a network must give for D latent channels.

    Raises:
        ConfigError: The kind or an option is unknown.
    """
    return belief_kind(belief).channels(latent_channels)


def maker(belief: str) -> Callable[..., Any]:
    """Returns the function that makes a posterior of raw channels. It imports torch.

    Raises:
        ConfigError: The kind or an option is unknown.
        BackendUnavailable: The function cannot be imported. The message has the cause.
    """
    return _imported(belief, belief_kind(belief).target)


@lru_cache(maxsize=256)
def _imported(belief: str, target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    except (Exception, SystemExit) as error:
        raise BackendUnavailable(
            f"The belief {belief!r} needs {target}, which fails with {type(error).__name__}: {words_of(error)}",
            value=belief,
        ) from error
