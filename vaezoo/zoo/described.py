"""A specification as plain values, and back. Saved models and locks hold these values. No torch."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from vaezoo.errors import ConfigError, PluginError, VaezooError
from vaezoo.host.beliefs import refuse_references
from vaezoo.host.manager import Zoo
from vaezoo.registry.declared import MODEL, SLOTS
from vaezoo.registry.entries import HOUSE, Source
from vaezoo.registry.registry import Registry
from vaezoo.zoo.specs import ModelSpec, resolve

_PACKAGE = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?(==[A-Za-z0-9][A-Za-z0-9.!+_-]*)?", re.ASCII)
_TEXTS = ("summary", "task", "paper", "differs")


def describe(spec: ModelSpec) -> dict[str, Any]:
    """Returns all that defines a model, as plain values: ``name``, ``owner``, ``encodes``, ``shared`` and its parts.

    Raises:
        ConfigError: A parameter is not a plain value, so that no file can hold it.
    """
    told: dict[str, Any] = {"name": spec.model.name, "owner": spec.model.source.owner, "encodes": spec.encodes}
    told |= {key: spec.model.body[key] for key in _TEXTS if key in spec.model.body}
    told["shared"] = {key: plain(value.value, key) for key, value in spec.shared.items()}
    for slot in SLOTS:
        part = spec.parts[slot]
        if part is None and slot == "refine":
            continue  # so that the description of a model without it stays as it was before the slot existed
        told[slot] = part and {
            "name": part.part.name,
            "owner": part.part.source.owner,
            "params": {key: plain(value, f"{slot}.{key}") for key, value in part.arguments.items()},
        }
    return told


def body_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a description of :func:`describe` as a model's entry in a registry file, with each part's owner."""
    body = {key: told[key] for key in MODEL["properties"] if key in told and key not in SLOTS}
    for slot in SLOTS:
        part = told.get(slot)
        body[slot] = part and {"name": f"{part['owner']}/{part['name']}", **part["params"]}
    return body


def versions(spec: ModelSpec, zoo: Zoo) -> dict[str, str]:
    """Returns the versions of vaezoo and of the plugins that own a model's parts, by name."""
    known = {plugin.name: plugin.version for plugin in zoo.plugins}
    owners = {spec.model.source.owner} | {part.part.source.owner for part in spec.parts.values() if part}
    return {HOUSE: version(HOUSE)} | {owner: known[owner] for owner in sorted(owners) if owner in known}


def respecify(told: Mapping[str, Any], plugins: Mapping[str, str], zoo: Zoo, where: str) -> ModelSpec:
    """Returns the specification that :func:`describe` described.

    Args:
        told: Description, as :func:`describe` returned it.
        plugins: Versions at that time, as :func:`versions` returned them.
        zoo: Zoo to look the parts up in.
        where: Where the description is from, for error messages.

    Raises:
        PluginError: A plugin that owns a part is not installed.
        ConfigError: A setting names code to import; see `vaezoo.host.beliefs.refuse_references`.
        VaezooError: As for `vaezoo.create`, where the present plugin refuses what the former one accepted.
    """
    for slot in SLOTS:
        if (part := told.get(slot)) and part["owner"] not in zoo.registry.parts[slot].entries.get(part["name"], {}):
            raise _missing(f"{where} needs the {slot} {part['name']!r}", part["owner"], plugins, zoo)
    refuse_references([told["shared"], *(told[slot] for slot in SLOTS if told.get(slot))], where, zoo=zoo)
    registry = Registry(str(told["owner"]))
    registry.parts = zoo.registry.parts
    registry.add_model(str(told["name"]), body_of(told), Source(str(told["owner"])))
    try:
        return resolve(registry, str(told["name"]))
    except VaezooError as error:
        now = {plugin.name: plugin.version for plugin in zoo.plugins} | {HOUSE: version(HOUSE)}
        moved = [f"{name} was {old} and is {now[name]}" for name, old in plugins.items() if now.get(name, old) != old]
        if not moved:
            raise
        raise type(error)(f"{where}: {error}", hint=f"{'; '.join(moved)}.", value=error.value) from error


def _missing(what: str, owner: str, plugins: Mapping[str, str], zoo: Zoo) -> PluginError:
    distribution, _, entry = owner.partition(":")
    for plugin in zoo.plugins:
        if plugin.name == owner and plugin.status != "ok":
            return PluginError(f"{what} of the plugin {owner}, which is {plugin.status}: {plugin.cause}", value=owner)
    if not entry:
        return PluginError(
            f"{what}, which {'vaezoo does not have' if owner == HOUSE else 'a program registered for itself'}.",
            hint="Install the version it was saved with." if owner == HOUSE else "Register it again first.",
            value=owner,
        )
    last = plugins.get(owner)
    package = f"{distribution}=={last}" if last else distribution
    hint = f"Expected the name and version of a distribution, got {package!r}."
    if _PACKAGE.fullmatch(package):  # whoever wrote the file chose it, so no more than a name may be in the command
        hint = f"If you trust it: pip install {shlex.quote(package)}"
    return PluginError(f"{what} of the plugin {entry!r}, which is not installed.", hint=hint, value=owner)


def plain(value: Any, what: str) -> Any:
    """Returns a value as lists, mappings and scalars, as YAML can hold it.

    Raises:
        ConfigError: The value is something else.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, what) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, what) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise ConfigError(
        f"Expected {what} as a plain value, which a file can hold, got {value!r}.",
        hint="Use numbers, texts, lists and mappings.",
        value=value,
    )
