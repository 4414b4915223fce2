"""Loading a plugin: whether it is compatible and valid, and what it declares. A refused one leaves no trace."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pluggy

from vaezoo.errors import ConfigError, suggest
from vaezoo.host.find import Candidate, make_importable
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.hookspecs import API, HOOKS, PROJECT, ConformanceCase, Declaration, PartDeclaration, manager_of
from vaezoo.host.shared import is_stranger, put_back
from vaezoo.registry.entries import HOUSE, Service, Source
from vaezoo.registry.plain import plain_name, plain_text
from vaezoo.registry.registry import Registry

HEAVY = ("torch", "timm", "torchvision", "PIL")
"""Packages that a plugin must not import when it declares what it has."""
DECLARING = {
    "encoder": "vaezoo_encoders",
    "decoder": "vaezoo_decoders",
    "prior": "vaezoo_priors",
    "loss": "vaezoo_losses",
}
"""Hooks that declare the parts of one slot. The hook ``vaezoo_declarations`` declares those of any, and all else."""
_OWN_NAME = re.compile(r"\s*vaezoo\s*[^\w\s.-]", re.I)
_VERSIONS_ONLY = re.compile(r"\s*vaezoo\s*([<>=!~][\w\s.,*+!<>=~-]*)", re.I)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_VERB = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Admitted:
    """A plugin that was loaded.

    Attributes:
        registry: Registry of its declarations.
        manager: Hook manager that calls its hooks.
        cases: Cases for the contract kit.
        note: Advice to its author.
    """

    registry: Registry
    manager: pluggy.PluginManager
    cases: tuple[ConformanceCase, ...]
    note: str


def admit(found: Candidate, limit_s: float) -> Admitted:
    """Loads a plugin.

    Args:
        found: Plugin.
        limit_s: Seconds allowed for its import, and as many for its declarations.

    Raises:
        Refused: The plugin cannot be loaded. The error says why.
    """
    if found.fault:
        raise Refused("invalid", found.fault)
    if is_stranger(found.name):
        _check_versions(found)
    if not is_stranger(found.name):
        return _loaded(found, limit_s)
    with put_back() as changed:
        admitted = _loaded(found, limit_s)
    if changed:
        note = f"loading it changes {', '.join(changed)} for everybody, which was put back"
        admitted = replace(admitted, note="; ".join(filter(None, (admitted.note, note))))
    return admitted


def _loaded(found: Candidate, limit_s: float) -> Admitted:
    light = {name for name in HEAVY if name in sys.modules}
    package = found.module.partition(".")[0]
    with guarded("import-failed", limit_s, package):
        make_importable(found)
        module = found.entry.load()
    with guarded("invalid"):
        _check_api(getattr(module, "VAEZOO_API", API))
        manager = _manager(module, found.name)
    with guarded("hook-raised", limit_s, package):
        beside = _beside(found.module)
        registry, cases = _declared(manager, found.name, beside)
    notes = []
    if heavy := [name for name in HEAVY if name in sys.modules and name not in light]:
        notes.append(f"declaring imports {', '.join(heavy)}, which slows everybody's first look at the zoo")
    if beside is None and not any(getattr(manager.hook, name).get_hookimpls() for name in HOOKS):
        notes.append("it implements no hook, and its package has no registry.yaml")
    return Admitted(registry, manager, cases, "; ".join(notes))


def _check_versions(found: Candidate) -> None:
    """Raises if a plugin needs another version of vaezoo. Imports nothing of the plugin."""
    with guarded("invalid"):
        for text in found.requires:
            if _OWN_NAME.match(text) and not _met(text):
                version = sys.modules[HOUSE].__version__
                raise Refused("incompatible", f"it needs {text}, this is vaezoo {version}")
        path = found.source()
        if path is not None:
            _check_api(_api_in(path))


def _met(text: str) -> bool:
    """Says whether a requirement on vaezoo is met, or does not apply here."""
    version = sys.modules[HOUSE].__version__
    if plain := _VERSIONS_ONLY.fullmatch(text):  # avoids the grammar of markers, which takes longer to import
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(plain[1]).contains(version, prereleases=True)
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    return not applies or requirement.specifier.contains(version, prereleases=True)


def _api_in(path: Path) -> Any:
    """Returns ``VAEZOO_API`` as a source file sets it, without running the file; the present API if it is not set."""
    text = path.read_text(encoding="utf-8")
    if "VAEZOO_API" in text:
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return API  # importing the file gives a better error
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if isinstance(value, ast.Constant) and any(getattr(t, "id", None) == "VAEZOO_API" for t in targets):
                return value.value
    return API


def _check_api(api: Any) -> None:
    if not isinstance(api, int) or api > API:
        raise Refused("incompatible", f"it needs API {api!r}, this vaezoo has {API}")


def _manager(module: Any, name: str) -> pluggy.PluginManager:
    """Returns a hook manager of this plugin alone, after a check that its hooks exist and have the right arguments."""
    for attribute in (a for a in dir(module) if a.startswith("vaezoo_")):
        value = getattr(module, attribute)
        marked = hasattr(value, f"{PROJECT}_impl")
        if not marked and not (inspect.isfunction(value) and value.__module__ == getattr(module, "__name__", None)):
            continue
        options = getattr(value, f"{PROJECT}_impl", None) or {}
        if (options.get("specname") or attribute) not in HOOKS:
            raise Refused("invalid", f"there is no hook {attribute!r}. {suggest(attribute, HOOKS)}")
        if not marked:
            raise Refused("invalid", f"{attribute} is not marked @hookimpl, so it would never be called")
    try:
        return manager_of(module, name)
    except pluggy.PluginValidationError as error:
        raise Refused("invalid", str(error).splitlines()[-1]) from error


def _beside(module: str) -> Path | None:
    """Returns registry.yaml of the package of a module, or None."""
    name = getattr(sys.modules.get(module), "__package__", None)
    folders = getattr(sys.modules.get(name or ""), "__path__", ())
    return next((path for folder in folders if (path := Path(folder) / "registry.yaml").is_file()), None)


def _declared(
    manager: pluggy.PluginManager, owner: str, beside: Path | None
) -> tuple[Registry, tuple[ConformanceCase, ...]]:
    """Returns a plugin's declarations, checked, in a registry of its own.

    Args:
        manager: Hook manager of the plugin.
        owner: Name of the plugin.
        beside: Registry file of the plugin's package, used if its hooks name no file.
    """
    registry = Registry(owner)
    if beside and not manager.hook.vaezoo_registry_files.get_hookimpls():
        registry.add_file(beside)
    for path, _ in _answers(manager, "vaezoo_registry_files"):
        if not isinstance(path, str | Path):
            raise ConfigError(f"vaezoo_registry_files: expected paths, got {path!r}.", value=path)
        registry.add_file(Path(path))
    for slot, hook in DECLARING.items():
        for (name, said), source in _answers(manager, hook, Mapping):
            target, facts, summary, config = _declaration(hook, name, said)
            registry.add_part(slot, name, target, facts, summary, source, config)
    for said, source in _answers(manager, "vaezoo_declarations"):
        if not isinstance(said, Declaration):
            raise ConfigError(
                f"vaezoo_declarations: expected Declaration(kind, name, target), got {said!r}.", value=said
            )
        registry.add(said.kind, said.name, said.target, said.summary, source, said.config)
    for (name, body), source in _answers(manager, "vaezoo_models", Mapping):
        registry.add_model(name, body, source)
    for (name, target), source in _answers(manager, "vaezoo_weight_sources", Mapping):
        if not (isinstance(name, str) and _SCHEME.fullmatch(name)):
            raise ConfigError(f"vaezoo_weight_sources: expected URL schemes in lower case, got {name!r}.", value=name)
        registry.schemes.add(name, owner, Service(plain_name(target), "", source))
    for (name, said), source in _answers(manager, "vaezoo_cli_commands", Mapping):
        if not (isinstance(name, str) and _VERB.fullmatch(name) and isinstance(said, tuple) and len(said) == 2):
            raise ConfigError(
                f"vaezoo_cli_commands: expected a verb and (target, sentence), got {name!r}: {said!r}.", value=said
            )
        target, summary = plain_name(said[0]), plain_text(said[1], f"the summary of the verb {name!r}")
        registry.verbs.add(name, owner, Service(target, summary, source))
    return registry, _cases(manager, registry)


def _cases(manager: pluggy.PluginManager, registry: Registry) -> tuple[ConformanceCase, ...]:
    """Returns the cases for the contract kit: from the hook, else from the registry files, else all models."""
    if not manager.hook.vaezoo_conformance_cases.get_hookimpls():
        models = [ConformanceCase(name) for name, _, _ in registry.models.all()]
        return tuple(models if registry.cases is None else registry.cases)
    cases = tuple(case for case, _ in _answers(manager, "vaezoo_conformance_cases"))
    if wrong := [case for case in cases if not isinstance(case, ConformanceCase)]:
        raise ConfigError(f"vaezoo_conformance_cases: expected ConformanceCase, got {wrong[0]!r}.", value=wrong[0])
    return cases


def _answers(manager: pluggy.PluginManager, hook: str, kind: Any = list) -> list[tuple[Any, Source]]:
    """Returns all items that a plugin's hook returns, with their source. Items of a mapping are pairs."""
    caller = getattr(manager.hook, hook)
    found = []
    for implementation in caller.get_hookimpls():
        code = inspect.unwrap(implementation.function).__code__
        source = Source(implementation.plugin_name, Path(code.co_filename).name, code.co_firstlineno)
        for answer in caller():
            if not isinstance(answer, kind):
                wanted = "a list" if kind is list else "a mapping"
                raise ConfigError(f"{hook}: expected {wanted}, got {answer!r}.", value=answer)
            pairs = answer if kind is list else ((plain_name(name), said) for name, said in answer.items())
            found += [(item, source) for item in pairs]
    return found


def _declaration(hook: str, name: str, said: Any) -> tuple[Any, Any, str, Any]:
    """Returns the target, facts, summary and configuration of a declaration."""
    if isinstance(said, tuple) and len(said) in (3, 4):
        target, facts, summary, config = PartDeclaration(*said)
        known = [given for given in (target, facts, config) if given is not None]
        if target is not None and all(isinstance(t, str) or callable(t) for t in known) and isinstance(summary, str):
            return target, facts, summary, config
    raise ConfigError(
        f"{hook}: expected {name!r} as PartDeclaration(target, config=..., summary=...), got {said!r}.", value=said
    )
