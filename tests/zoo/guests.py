"""Writes plugins as a stranger would: modules for one process, distributions for several."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vaezoo import hookimpl
from vaezoo.host.find import GROUP

FEWEST_FACTS: dict[str, Any] = {
    "licence": "MIT",
    "data": [{"set": "mine", "licence": "CC0-1.0"}],
    "recipe": "mine.yaml",
    "recipe_sha256": "0" * 64,
    "command": "vaezoo train mine.yaml",
    "seed": 1,
    "steps": 10,
    "hardware": "2 cores",
    "cpu_hours": 0.5,
}
"""The fewest facts that weights are published with."""
PART = """
parts:
  encoder:
    {name}:
      target: "vaezoo_mlp.networks:DenseEncoder"
      config: "vaezoo_mlp.facts:DenseEncoderConfig"
"""


class Guests:
    """Plugins of this process, each a module with an entry point of no distribution."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch

    def module(self, name: str) -> ModuleType:
        module = ModuleType(f"guest_{name}")
        self.patch.setitem(sys.modules, module.__name__, module)
        return module

    def entry(self, name: str, value: str | None = None) -> EntryPoint:
        return EntryPoint(name, value or f"guest_{name}", GROUP)

    def registering(self, name: str, text: str) -> EntryPoint:
        path = self.folder / f"{name}.yaml"
        path.write_text(text)

        def vaezoo_registry_files() -> list[Path]:
            return [path]

        return self.hooking(name, vaezoo_registry_files)

    def hooking(self, name: str, *hooks: Callable[..., Any]) -> EntryPoint:
        """A plugin with these functions as hooks."""
        module = self.module(name)
        for hook in hooks:
            vars(module)[hook.__name__] = hookimpl(hook)
        return self.entry(name)

    def saying(self, name: str, hook: str, answer: Any) -> EntryPoint:
        """A plugin with one hook, which returns this, or raises it."""

        def call() -> Any:
            if isinstance(answer, BaseException):
                raise answer
            return answer

        call.__name__ = hook
        return self.hooking(name, call)


HOOK = """
from pathlib import Path
from vaezoo import hookimpl
@hookimpl
def vaezoo_registry_files():
    return [Path(__file__).with_name("{registry}")]
"""


def distribution(
    site: Path, name: str, source: str, *, registry: str = "", requires: str = "", entry: str = "", version: str = "1.0"
) -> None:
    """Writes an installed distribution of one module into a folder of ``sys.path``."""
    module = name.replace("-", "_").replace(".", "_")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entry or name} = {module}\n")
    (site / f"{module}.yaml").write_text(registry)
    (site / f"{module}.py").write_text(source + (HOOK.format(registry=f"{module}.yaml") if registry else ""))
