"""A specification as plain values, and back: what a saved model and a lock say of how a model is made. No torch."""

from __future__ import annotations

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

_TEXTS = ("summary", "task", "paper", "differs")


def describe(spec: ModelSpec) -> dict[str, Any]:
    """Returns everything that decides a model, as plain values: ``name``, ``owner``, ``encodes``, ``shared``, slots.

    Raises:
        ConfigError: A parameter is no plain value, so that no file can hold it.
    """
    told: dict[str, Any] = {"name": spec.model.name, "owner": spec.model.source.owner, "encodes": spec.encodes}
    told |= {key: spec.model.body[key] for key in _TEXTS if key in spec.model.body}
    told["shared"] = {key: plain(value.value, key) for key, value in spec.shared.items()}
    for slot in SLOTS:
        part = spec.parts[slot]
        if part is None and slot == "refine":
            continue  # so that a model without it is told as before there were any
        told[slot] = part and {
            "name": part.part.name,
            "owner": part.part.source.owner,
            "params": {key: plain(value, f"{slot}.{key}") for key, value in part.arguments.items()},
        }
    return told


def body_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what :func:`describe` told as the body of a model in a registry file, each part by its owner."""
    body = {key: told[key] for key in MODEL["properties"] if key in told and key not in SLOTS}
    for slot in SLOTS:
        part = told.get(slot)
        body[slot] = part and {"name": f"{part['owner']}/{part['name']}", **part["params"]}
    return body


def versions(spec: ModelSpec, zoo: Zoo) -> dict[str, str]:
    """Returns the versions of the plugins whose parts a model has, and vaezoo's, by their names."""
    known = {plugin.name: plugin.version for plugin in zoo.plugins}
    owners = {spec.model.source.owner} | {part.part.source.owner for part in spec.parts.values() if part}
    return {HOUSE: version(HOUSE)} | {owner: known[owner] for owner in sorted(owners) if owner in known}


def respecify(
    told: Mapping[str, Any], plugins: Mapping[str, str], zoo: Zoo, where: str, *, trust_code: bool = False
) -> ModelSpec:
    """Returns the specification that :func:`describe` told.

    Args:
        told: As it was told.
        plugins: Versions then, as :func:`versions` gave them.
        zoo: Where parts are looked up.
        where: For messages.
        trust_code: Whether settings may name code to import.

    Raises:
        PluginError: A plugin that has a part is not there.
        ConfigError: A setting names code to import, see `vaezoo.host.beliefs.refuse_references`.
        VaezooError: As `vaezoo.create`, where today's plugin refuses what yesterday's took.
    """
    for slot in SLOTS:
        if (part := told.get(slot)) and part["owner"] not in zoo.registry.parts[slot].entries.get(part["name"], {}):
            raise _missing(f"{where} needs the {slot} {part['name']!r}", part["owner"], plugins, zoo)
    if not trust_code:
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
    return PluginError(
        f"{what} of the plugin {entry!r}, which is not installed.",
        hint=f"pip install '{distribution}{f'=={last}' if last else ''}'",
        value=owner,
    )


def plain(value: Any, what: str) -> Any:
    """Returns a value of lists, mappings and scalars, as YAML can hold it.

    Raises:
        ConfigError: It is something else.
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
