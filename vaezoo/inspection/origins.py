"""Finds the code of a part, the file of weights and settings from the environment. Imports none of them."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from vaezoo.errors import ConfigError
from vaezoo.registry.cards import Card
from vaezoo.store.schemes import LOCAL, mirrored
from vaezoo.store.store import Store

NOT_OURS = {"VAEZOO_DATA"}
"""Variables of vaezoo that do not affect a model: the place of the training sets."""
OTHERS = ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "XDG_CACHE_HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY")
"""Variables of other programs that affect how weights are downloaded and stored."""


def environment() -> dict[str, str]:
    """Returns the set variables that affect how a model is created, without passwords in URLs."""
    names = [n for n in sorted(os.environ) if n.startswith("VAEZOO_") and n not in NOT_OURS]
    found = {name: os.environ[name] for name in (*names, *OTHERS) if os.environ.get(name)}
    return {name: re.sub(r"//[^/@\s]*@", "//", value) for name, value in found.items()}


def source_of(target: str | Callable[..., Any]) -> dict[str, Any]:
    """Returns the file and line in which a part is defined.

    Args:
        target: ``"package.module:Class"``, which is found by reading files, or an object of this process.

    Returns:
        ``module``; ``file``, None if it cannot be found; and ``line``, None if the name is not defined by ``class`` or
        ``def``.
    """
    if not isinstance(target, str):
        return _source_of_object(target)
    module, _, name = target.partition(":")
    found = _definition(module, name, frozenset())
    file, line = found if found else (_file_of(module), None)
    return {"module": module, "file": str(file) if file else None, "line": line}


def _source_of_object(target: Callable[..., Any]) -> dict[str, Any]:
    file, line = None, None
    with suppress(OSError, TypeError):  # typed at a prompt, or built in
        file, line = inspect.getsourcefile(inspect.unwrap(target)), inspect.getsourcelines(target)[1]
    return {"module": target.__module__, "file": file, "line": line}


@cache
def _file_of(module: str) -> Path | None:
    """Returns a module's file. The top package is found by its finder, and the rest by folders: nothing is run."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not inner:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *inner)
        for path in (base.with_name(base.name + ".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _definition(module: str, name: str, seen: frozenset[str]) -> tuple[Path, int] | None:
    """Returns where a name is defined. Follows imports that pass it on."""
    path = _file_of(module)
    tree = _tree(path) if path and module not in seen else None
    if path is None or tree is None:
        return None
    if path.name == "__init__.py" and (stub := _tree(path.with_suffix(".pyi"))):  # a lazy package lists its names there
        tree = stub
    passed_on = []
    for node in _statements(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return path, node.lineno
        if isinstance(node, ast.ImportFrom):
            origin = _absolute(node, module, path.name == "__init__.py")
            passed_on += [(origin, a.name) for a in node.names if (a.asname or a.name) == name]
    for origin, called in passed_on:
        if found := _definition(origin, called, seen | {module}):
            return found
    return None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yields a module's statements, also under an ``if`` or ``try``, but not inside a definition."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, ast.If | ast.Try):
            inside = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            handlers = [s for h in getattr(node, "handlers", ()) for s in h.body]
            waiting = inside + handlers + waiting


def _absolute(node: ast.ImportFrom, module: str, package: bool) -> str:
    """Returns the absolute name of the module that an import names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + package]
    return ".".join([*base, *([node.module] if node.module else [])])


def bytes_of(card: Card, store: Store | None = None) -> dict[str, Any]:
    """Returns where a weight file is now. Checks its size but not its hash.

    Returns:
        ``found``: ``package``, ``file``, ``cache``, ``seed`` or ``absent``; ``path`` or None; and ``size_agrees``,
        whether the file's size is that of the card, or None if there is no file.
    """
    for url in card.urls:
        try:
            scheme, _, _ = (url := mirrored(url)).partition("://")
        except ConfigError:
            continue  # a malformed mirror: loading the weights reports it
        path = LOCAL[scheme](url) if scheme in LOCAL else None
        if path is not None:
            return _found("package" if scheme == "pkg" else "file", path, card)
    store = store or Store()
    own = store.path_of(card.sha256)
    seeded = [("seed", f / name) for f in store.seeded for name in (f"blobs/{card.sha256}", card.sha256)]
    for found, path in [("cache", own), *seeded]:
        if path.is_file():
            return _found(found, path, card)
    return {"found": "absent", "path": None, "size_agrees": None}


def tensors_in(path: str) -> dict[str, list[int]]:
    """Returns the shapes of a safetensors file's tensors by name, from its header; empty if it is not such a file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}


def _found(found: str, path: Path, card: Card) -> dict[str, Any]:
    return {"found": found, "path": str(path), "size_agrees": path.stat().st_size == card.size_bytes}
