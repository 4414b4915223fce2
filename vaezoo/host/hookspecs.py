"""The hooks a plugin may implement. A hook is here only if a real plugin uses it.

Hooks that declare are called once, when the zoo is looked at first; they import no torch, and name what is built
later as ``"package.module:name"``. Hooks that act are called where their sentence says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from vaezoo.registry.conformance import ConformanceCase

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.registry.cards import Card

PROJECT = "vaezoo"
API = 1
"""Version of these hooks; a plugin that sets ``VAEZOO_API`` to a higher one is refused as incompatible."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class PartDeclaration(NamedTuple):
    """A part, as a hook declares it.

    Attributes:
        target: ``"package.module:Class"``, or the class or function itself; imported when built.
        facts: The same for its facts function, whose parameters are the part's; None where it has a configuration.
        summary: One sentence.
        config: The same for its configuration, a frozen dataclass with a method ``facts``.
    """

    target: str | Callable[..., Any]
    facts: str | Callable[..., Any] | None = None
    summary: str = ""
    config: str | Callable[..., Any] | None = None


class Declaration(NamedTuple):
    """Something of a kind of `vaezoo.registry.kinds`, as a hook declares it.

    Attributes:
        kind: Such as ``task`` or ``metric``.
        name: Lower case words joined by hyphens.
        target: ``"package.module:name"``, or the thing itself; imported when used.
        summary: One sentence.
    """

    kind: str
    name: str
    target: str | Callable[..., Any]
    summary: str = ""


# Hooks that declare


@hookspec
def vaezoo_registry_files() -> list[Path]:  # type: ignore[empty-body]
    """Returns registry files: YAML that declares parts, models and weights, read without importing torch.

    A plugin without this hook has the ``registry.yaml`` of its package, where there is one.
    """


@hookspec
def vaezoo_encoders() -> Mapping[str, PartDeclaration]:  # type: ignore[empty-body]
    """Returns encoders by name, where code says more easily than a registry file what there is."""


@hookspec
def vaezoo_decoders() -> Mapping[str, PartDeclaration]:  # type: ignore[empty-body]
    """Returns decoders by name."""


@hookspec
def vaezoo_priors() -> Mapping[str, PartDeclaration]:  # type: ignore[empty-body]
    """Returns priors by name."""


@hookspec
def vaezoo_losses() -> Mapping[str, PartDeclaration]:  # type: ignore[empty-body]
    """Returns losses by name."""


@hookspec
def vaezoo_declarations() -> list[Declaration]:  # type: ignore[empty-body]
    """Returns tasks, damages, metrics, data sets, optimizers, schedules, recipes and kinds of belief."""


@hookspec
def vaezoo_models() -> Mapping[str, Mapping[str, Any]]:  # type: ignore[empty-body]
    """Returns named models, each body as in a registry file."""


@hookspec
def vaezoo_weight_sources() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Returns URL schemes, each with the ``"package.module:function"`` that completes a partial file from it.

    The function takes ``(url: str, part: Path, size: int)``, may go on from what is in ``part`` already, says
    whether it did, and raises a `vaezoo.errors.NetworkError` where it cannot. What it fetched is hashed by the store.
    """


@hookspec
def vaezoo_cli_commands() -> Mapping[str, tuple[str, str]]:  # type: ignore[empty-body]
    """Returns verbs of the command line: name to (``"package.module:command"`` of a click command, its sentence)."""


@hookspec
def vaezoo_conformance_cases() -> list[ConformanceCase]:  # type: ignore[empty-body]
    """Returns what ``pytest --vaezoo-plugin NAME`` is to test of this plugin's models.

    A plugin without this hook may list it as ``conformance`` in its registry file; all its models, where it does not.
    """


# Hooks that act


@hookspec
def vaezoo_weight_policy(card: Card) -> str | None:
    """Says why these weights are not to be used here, or None; asked before they are looked for.

    Args:
        card: What is known of the weights, their licence among it.
    """


@hookspec
def vaezoo_adapt_state_dict(model: str, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """Returns tensors under the names that a model of this plugin has today, or None to leave them.

    Called after a file was read and before it is loaded strictly, for the plugin that declares the model alone.

    Args:
        model: The model's name, without tag.
        tensors: As they are in the file.
    """


@hookspec
def vaezoo_after_create(name: str, model: VAE) -> None:
    """Does something with a model that was just made, at its weights, on its device.

    Args:
        name: As it was asked for.
        model: It; ``model.origin`` says how it was made.
    """


HOOKS = tuple(name for name in globals() if name.startswith("vaezoo_"))
ACTING = ("vaezoo_weight_policy", "vaezoo_adapt_state_dict", "vaezoo_after_create")


def manager_of(plugin: Any, name: str) -> pluggy.PluginManager:
    """Returns a manager of one plugin alone, so that no other is asked with it.

    Raises:
        pluggy.PluginValidationError: A hook has other arguments than are given here.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(sys.modules[__name__])
    manager.register(plugin, name)
    return manager
