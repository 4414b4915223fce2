"""What a plugin must keep: it loads, says true things without torch, and all that it declares is valid."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import pytest

from ..core import Conditioner, Decoder, Encoder, Loss, Prior
from ..zoo import Keeper, keeper
from ..zoo.keeper import Plugin
from ..zoo.registry import SLOTS, Part
from ..zoo.specs import load_object, resolve
from .facts import check_signature

SLOT_TYPES = {"encoder": Encoder, "prior": Prior, "decoder": Decoder, "loss": Loss, "conditioner": Conditioner}
HEAVY = ("torch", "timm", "torchvision", "PIL")

_DECLARE = """
import importlib, sys
from pathlib import Path
module = importlib.import_module({plugin!r})
assert all(Path(file).is_file() for file in module.vaezoo_registry_files())
for facts in {facts!r}:
    importlib.import_module(facts)
print([name for name in {heavy!r} if name in sys.modules])
"""


class PluginContract:
    """Tests of one installed plugin.

    Attributes:
        package: Its package, such as ``"vaezoo_conv"``.
    """

    package: ClassVar[str]

    @pytest.fixture
    def zoo(self) -> Keeper:
        """The installed zoo."""
        return keeper()

    @pytest.fixture
    def plugin(self, zoo: Keeper) -> Plugin:
        """The keeper's record of this plugin."""
        mine = [p for p in zoo.plugins if p.target.partition(".")[0] == self.package]
        assert mine, f"no entry point of the group vaezoo.plugins names a module of {self.package}; install it first"
        return mine[0]

    @pytest.fixture
    def parts(self, zoo: Keeper, plugin: Plugin) -> list[Part]:
        """The parts this plugin registers."""
        return [p for slot in SLOTS for _, owner, p in zoo.registry.parts[slot].all() if owner == plugin.name]

    def test_it_loads(self, plugin: Plugin) -> None:
        """The keeper admits it."""
        assert plugin.status == "ok", plugin.cause

    def test_declaring_loads_no_torch(self, plugin: Plugin, parts: list[Part]) -> None:
        """Its entry point, registry files and facts need none of the heavy packages."""
        facts = [p.facts.partition(":")[0] for p in parts if isinstance(p.facts, str)]
        script = _DECLARE.format(plugin=plugin.target, facts=facts, heavy=HEAVY)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]", f"declaring {self.package} imports {done.stdout.strip()}"

    def test_parts_have_the_parameters_of_their_facts(self, parts: list[Part]) -> None:
        """Each part's constructor and facts agree in parameters and defaults."""
        for part in parts:
            check_signature(load_object(part.target, part.name), load_object(part.facts, part.name))

    def test_parts_fill_their_slots(self, parts: list[Part]) -> None:
        """Each part that is a class inherits its slot's, and each has a summary of one sentence."""
        for part in parts:
            target = load_object(part.target, part.name)
            assert not isinstance(target, type) or issubclass(target, SLOT_TYPES[part.slot]), part
            assert part.summary.endswith("."), f"{part.slot} {part.name!r} has no summary of one sentence"

    def test_models_resolve(self, zoo: Keeper, plugin: Plugin) -> None:
        """Each model that it declares is valid, says what it is and how it differs from its paper."""
        for name, owner, model in zoo.registry.models.all():
            if owner == plugin.name:
                resolve(zoo.registry, f"{owner}/{name}")
                assert model.summary and model.body.get("differs"), f"the model {name!r} lacks summary or differs"
