"""The hooks that a plugin may implement. A hook is here only if a real plugin uses it.

Declaring hooks are called once, when the zoo is first used. They must not import torch: they name what is built later
as ``"package.module:name"``. Acting hooks are called where their docstring says.
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
"""Version of these hooks. A plugin with a higher ``VAEZOO_API`` is refused as incompatible."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class PartDeclaration(NamedTuple):
    """A part, as a hook declares it.

    Attributes:
        target: Class or function, or ``"package.module:Class"``. It is imported when a part is built.
        facts: Facts function, in the same forms. Its parameters are the part's. None for a part with a configuration.
        summary: One sentence that describes the part.
        config: Class of the configuration, in the same forms: a frozen dataclass with a method ``facts``.
    """

    target: str | Callable[..., Any]
    facts: str | Callable[..., Any] | None = None
    summary: str = ""
    config: str | Callable[..., Any] | None = None


class Declaration(NamedTuple):
    """A declaration of a part, or of a thing of a kind of `vaezoo.registry.kinds`.

    Attributes:
        kind: Kind, such as ``task`` or ``metric``, or a slot such as ``conditioner`` or ``refine``.
        name: Name: lower-case words joined by hyphens.
        target: The thing itself, or ``"package.module:name"``, imported when used.
        summary: One sentence that describes it.
        config: Class of the configuration, in the same forms. For parts, damages, optimizers and schedules.
    """

    kind: str
    name: str
    target: str | Callable[..., Any]
    summary: str = ""
    config: str | Callable[..., Any] | None = None


# Hooks that declare


@hookspec
def vaezoo_registry_files() -> list[Path]:  # type: ignore[empty-body]
    """Returns registry files: YAML files that declare parts, models and weights. Reading them imports no torch.

    Without this hook, it is the ``registry.yaml`` of the plugin's package, if there is one.
    """


@hookspec
def vaezoo_encoders() -> Mapping[str, PartDeclaration]:  # type: ignore[empty-body]
    """Returns encoders by name, for a plugin whose encoders are easier to list in code than in a registry file."""


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
    """Returns declarations of any kind: tasks, damages, metrics and so on, conditioners, refinements, other parts."""


@hookspec
def vaezoo_models() -> Mapping[str, Mapping[str, Any]]:  # type: ignore[empty-body]
    """Returns models by name, each as its entry in a registry file."""


@hookspec
def vaezoo_weight_sources() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Returns URL schemes, each with a ``"package.module:function"`` that downloads from it.

    The function takes ``(url: str, part: Path, size: int)`` and completes the partial file ``part``. It returns whether
    it continued from the file's content. It raises a `vaezoo.errors.NetworkError` on failure. The store checks the
    hash.
    """


@hookspec
def vaezoo_cli_commands() -> Mapping[str, tuple[str, str]]:  # type: ignore[empty-body]
    """Returns commands for the command line: name to (``"package.module:command"`` of a click command, summary)."""


@hookspec
def vaezoo_conformance_cases() -> list[ConformanceCase]:  # type: ignore[empty-body]
    """Returns the cases that ``pytest --vaezoo-plugin NAME`` tests.

    Without this hook, the cases are those under ``conformance`` in the registry file, or else all models of the plugin.
    """


# Hooks that act


@hookspec
def vaezoo_weight_policy(card: Card) -> str | None:
    """Returns why weights must not be used here, or None. It is called before the weights are looked for.

    Args:
        card: Card of the weights, with their licence.
    """


@hookspec
def vaezoo_adapt_state_dict(model: str, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """Renames the tensors of a file to the present names of a model of this plugin; None leaves them.

    It is called after the file was read and before it is loaded strictly, only for the plugin that declares the model.

    Args:
        model: Name of the model, without tag.
        tensors: Tensors of the file, by name.
    """


@hookspec
def vaezoo_after_create(name: str, model: VAE) -> None:
    """Is called with each model that was made, when it has its weights and is on its device.

    Args:
        name: Name that was asked for.
        model: The model. ``model.origin`` says how it was made.
    """


HOOKS = tuple(name for name in globals() if name.startswith("vaezoo_"))
ACTING = ("vaezoo_weight_policy", "vaezoo_adapt_state_dict", "vaezoo_after_create")


def manager_of(plugin: Any, name: str) -> pluggy.PluginManager:
    """Returns a hook manager of one plugin alone, so that no other is called with it.

    Raises:
        pluggy.PluginValidationError: A hook has other arguments than here.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(sys.modules[__name__])
    manager.register(plugin, name)
    return manager
