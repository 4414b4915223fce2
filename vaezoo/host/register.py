"""Registering parts, models and other things from code, for this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from vaezoo.errors import ConfigError, suggest
from vaezoo.host.manager import current_zoo
from vaezoo.registry.declared import MODEL
from vaezoo.registry.entries import USER, Source
from vaezoo.registry.registry import Registry

Target = TypeVar("Target", bound=Callable[..., Any])


def _register_part(slot: str, name: str, target: Any, facts: Any, config: Any, summary: str) -> Any:
    def add(implementation: Target) -> Target:
        _anew(slot, name, lambda to: to.add_part(slot, name, implementation, facts, summary, Source(USER), config))
        return implementation

    return add if target is None else add(target)


def register_encoder(name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = "") -> Any:
    """Registers an encoder for this process. Without a target it is a decorator.

    Registering a name again replaces the former entry, so a notebook cell can be run twice.

    Args:
        name: Name: lower-case words joined by hyphens.
        target: Class of the encoder, or ``"package.module:Class"``.
        facts: Function that returns the ``EncoderFacts`` for the same parameters, instead of a configuration.
        config: Class of the configuration, or its name as text; see `vaezoo.core.facts.PartConfig`. None if the
            annotation of the constructor names it.
        summary: One sentence that describes the encoder.

    Raises:
        ConfigError: The name is malformed, or there is neither a configuration nor a facts function.
        PartMismatch: The encoder is built from something else.
        DuplicateName: Another owner has the name.
    """
    return _register_part("encoder", name, target, facts, config, summary)


def register_decoder(name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = "") -> Any:
    """Registers a decoder for this process; see :func:`register_encoder`."""
    return _register_part("decoder", name, target, facts, config, summary)


def register_prior(name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = "") -> Any:
    """Registers a prior for this process; see :func:`register_encoder`."""
    return _register_part("prior", name, target, facts, config, summary)


def register_loss(name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = "") -> Any:
    """Registers a loss for this process; see :func:`register_encoder`."""
    return _register_part("loss", name, target, facts, config, summary)


def register_conditioner(
    name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = ""
) -> Any:
    """Registers a conditioner for this process; see :func:`register_encoder`."""
    return _register_part("conditioner", name, target, facts, config, summary)


def register_refinement(
    name: str, target: Any = None, *, facts: Any = None, config: Any = None, summary: str = ""
) -> Any:
    """Registers a refinement of the posterior for this process; see :func:`register_encoder`."""
    return _register_part("refine", name, target, facts, config, summary)


def register(kind: str, name: str, target: Any = None, *, config: Any = None, summary: str = "") -> Any:
    """Registers something of a kind for this process. Without a target it is a decorator.

    Registering a name again replaces the former entry, so a notebook cell can be run twice.

    Args:
        kind: Kind, one of `vaezoo.registry.kinds.KINDS`, such as ``task``, ``damage`` or ``metric``.
        name: Name: lower-case words joined by hyphens.
        target: The thing itself, or ``"package.module:name"``.
        config: Class of the configuration, a frozen dataclass, or its name as text, for a damage, an optimizer or a
            schedule. None if the annotation of its ``config`` names it, or if there is none.
        summary: One sentence that describes it.

    Raises:
        ConfigError: The kind is unknown, the name is malformed, or ``config`` is not a frozen dataclass.
        DuplicateName: The name is taken.
    """

    def add(thing: Any) -> Any:
        _anew(kind, name, lambda to: to.add(kind, name, thing, summary, Source(USER), config))
        return thing

    return add if target is None else add(target)


register_task = partial(register, "task")
register_damage = partial(register, "damage")
register_metric = partial(register, "metric")
register_data = partial(register, "data")
register_optimizer = partial(register, "optimizer")
register_schedule = partial(register, "schedule")
register_recipe = partial(register, "recipe")
register_belief = partial(register, "belief")
register_likelihood = partial(register, "likelihood")


def register_model(name: str, body: Mapping[str, Any] | None = None) -> Any:
    """Registers a model for this process. Without a body it decorates a function that returns one.

    Registering a name again replaces the former entry, so a notebook cell can be run twice.

    Args:
        name: Name: lower-case words joined by hyphens.
        body: Entry as in a registry file: ``encoder``, ``prior``, ``decoder``, ``loss``, ``conditioner``, ``shared`` …

    Raises:
        ConfigError: The name is malformed, a slot is missing, or the body has an unknown key.
        DuplicateName: Another owner has the name.
    """

    def add(make: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
        _add_model(name, make())
        return make

    if body is None:
        return add
    _add_model(name, body)
    return body


def _add_model(name: str, body: Mapping[str, Any]) -> None:
    if isinstance(body, Mapping) and (unknown := [key for key in body if key not in MODEL["properties"]]):
        hint = suggest(str(unknown[0]), MODEL["properties"])
        raise ConfigError(f"Unknown key {unknown[0]!r} in the model {name!r}.", hint=hint, value=unknown[0])
    _anew("model", name, lambda to: to.add_model(name, body, Source(USER)))


def _anew(kind: str, name: str, add: Callable[[Registry], None]) -> None:
    """Adds something to the zoo of this process. It replaces what the user registered under its name before."""
    add(Registry(USER))  # a fault of the new one raises here, before the old one is removed
    registry = current_zoo().registry
    registry.shelves()[kind].entries.get(name, {}).pop(USER, None)
    add(registry)
