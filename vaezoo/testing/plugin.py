"""The contract of a plugin: it loads, its facts are true, and all its declarations are valid."""

from __future__ import annotations

import inspect
import subprocess
import sys
from contextlib import suppress
from typing import ClassVar

import click
import pytest

from vaezoo.core import Conditioner, Decoder, Encoder, Loss, Prior, Refinement
from vaezoo.errors import OfflineError
from vaezoo.host.admit import HEAVY
from vaezoo.host.kinds import chosen, config_class, find
from vaezoo.host.manager import Plugin, Zoo, current_zoo
from vaezoo.registry.declared import SLOTS
from vaezoo.registry.entries import Part
from vaezoo.registry.kinds import KINDS
from vaezoo.registry.parameters import fields_of, parameters_of, said_of
from vaezoo.registry.target import load_object
from vaezoo.testing.declared import check_declared
from vaezoo.testing.facts import check_signature
from vaezoo.zoo.specs import resolve
from vaezoo.zoo.weights import locate

SLOT_TYPES = {
    "encoder": Encoder,
    "prior": Prior,
    "decoder": Decoder,
    "loss": Loss,
    "conditioner": Conditioner,
    "refine": Refinement,
}

FILES = {"recipe"}
"""Kinds with files as targets."""

_DECLARE = """
import importlib, os, sys
from vaezoo.host.admit import admit
from vaezoo.host.find import in_folders, installed
from vaezoo.host.guard import limit
found = [*in_folders(os.environ.get("VAEZOO_PLUGIN_PATH", "")), *installed()]
admit(next(each for each in found if each.name == {plugin!r}), limit())
for facts in {facts!r}:
    importlib.import_module(facts)
print([name for name in {heavy!r} if name in sys.modules])
"""


class PluginContract:
    """Tests of one installed plugin, given by package or name.

    Attributes:
        package: Name of its package, such as ``"vaezoo_conv"``.
        plugin_name: Name, ``distribution:entry-point`` or the entry point.
    """

    package: ClassVar[str] = ""
    plugin_name: ClassVar[str] = ""

    @pytest.fixture
    def zoo(self) -> Zoo:
        """Installed zoo."""
        return current_zoo()

    @pytest.fixture
    def plugin(self, zoo: Zoo) -> Plugin:
        """The zoo's record of the plugin."""
        mine = [
            p
            for p in zoo.plugins
            if self.plugin_name in (p.name, p.short) or (self.package and p.target.split(".")[0] == self.package)
        ]
        assert mine, (
            f"no entry point of the group vaezoo.plugins is {self.plugin_name or self.package!r}; install it first"
        )
        return mine[0]

    @pytest.fixture
    def parts(self, zoo: Zoo, plugin: Plugin) -> list[Part]:
        """Parts that the plugin registers."""
        return [p for slot in SLOTS for _, owner, p in zoo.registry.parts[slot].all() if owner == plugin.name]

    def test_it_loads(self, plugin: Plugin) -> None:
        """The zoo loads it."""
        assert plugin.status == "ok", plugin.cause

    def test_declaring_loads_no_torch(self, plugin: Plugin, parts: list[Part]) -> None:
        """Its entry point, its hooks, and configurations in separate files import none of the heavy packages."""
        files = [
            (str(p.target).partition(":")[0], str(p.config or p.facts or p.target).partition(":")[0]) for p in parts
        ]
        facts = [said for built, said in files if said != built]
        script = _DECLARE.format(plugin=plugin.name, facts=facts, heavy=HEAVY)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr.strip().rpartition("\n")[2]
        assert done.stdout.strip() == "[]", f"declaring {plugin.name} imports {done.stdout.strip()}"

    def test_parts_have_the_parameters_of_their_facts(self, parts: list[Part]) -> None:
        """Each part is built from its configuration, or has the same parameters and defaults as its facts function."""
        for part in parts:
            check_signature(load_object(part.target, part.name), said_of(part))

    def test_parameters_are_documented(self, parts: list[Part]) -> None:
        """Each field of a configuration is described under Attributes."""
        for part in (each for each in parts if each.facts is None):
            silent = [name for name, parameter in parameters_of(part).items() if not parameter.help]
            assert not silent, f"{part.slot} {part.name!r}: the docstring of its config does not say {silent}"

    def test_parts_fill_their_slots(self, parts: list[Part]) -> None:
        """Each part that is a class inherits the class of its slot. Each has a summary of one sentence."""
        for part in parts:
            target = load_object(part.target, part.name)
            assert not isinstance(target, type) or issubclass(target, SLOT_TYPES[part.slot]), part
            assert part.summary.endswith("."), f"{part.slot} {part.name!r} has no summary of one sentence"

    def test_models_resolve(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each model is valid and says what it is and how it differs from its paper."""
        known = {"generate", *zoo.registry.kinds["task"].entries}
        for name, owner, model in zoo.registry.models.all():
            if owner == plugin.name:
                resolve(zoo.registry, f"{owner}/{name}")
                assert model.summary and model.body.get("differs"), f"the model {name!r} lacks summary or differs"
                assert model.task in known, f"the model {name!r} is for the task {model.task!r}, which nobody declares"

    def test_what_it_declares_is_there(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each task, damage, metric and so on is of its kind and has a summary of one sentence."""
        for kind, shelf in zoo.registry.kinds.items():
            for name, owner, entry in shelf.all():
                if owner == plugin.name:
                    assert entry.summary.endswith("."), f"the {kind} {name!r} has no summary of one sentence"
                    if KINDS[kind].configured:
                        _, found, settings = chosen(kind, f"{owner}/{name}", zoo)
                        check_declared(kind, name, found, **settings)
                    elif kind not in FILES:
                        check_declared(kind, name, find(kind, f"{owner}/{name}", zoo))

    def test_settings_are_documented(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each setting of a damage, optimizer or schedule has a docstring."""
        for kind in (each.name for each in KINDS.values() if each.configured):
            for name, owner, _ in zoo.registry.kinds[kind].all():
                config = config_class(kind, f"{owner}/{name}", zoo) if owner == plugin.name else None
                silent = [key for key, each in fields_of(config).items() if not each.help] if config else []
                assert not silent, f"the {kind} {name!r}: its config does not say what {silent} is"

    def test_old_names_lead_to_new_ones(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each former name has a successor."""
        for shelf in zoo.registry.shelves().values():
            for old, owners in shelf.renamed.items():
                if plugin.name in owners:
                    assert owners[plugin.name] in shelf.entries, (
                        f"{old!r} leads to {owners[plugin.name]!r}, which is none"
                    )

    def test_cards_are_true(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each card belongs to a model. If its file is on this machine, it has the hash on the card."""
        for name, owner, card in zoo.registry.cards.all():
            if owner == plugin.name:
                assert name.partition(".")[0] in zoo.registry.models.entries, f"the weights {name!r} are of no model"
                with suppress(OfflineError):
                    locate(card, fetch=False, zoo=zoo)

    def test_what_it_serves_is_there(self, zoo: Zoo, plugin: Plugin) -> None:
        """Its URL schemes are functions of (url, part, size). Its commands are click commands with a summary."""
        for scheme, owner, service in zoo.registry.schemes.all():
            if owner == plugin.name:
                names = list(inspect.signature(load_object(service.target, f"{scheme}://")).parameters)
                assert names[:3] == ["url", "part", "size"], f"{scheme}:// takes {names} instead of url, part, size"
        for verb, owner, service in zoo.registry.verbs.all():
            if owner == plugin.name:
                command = load_object(service.target, f"The verb {verb!r}")
                assert isinstance(command, click.Command), f"the verb {verb!r} is no click command"
                assert service.summary.endswith("."), f"the verb {verb!r} has no summary of one sentence"

    def test_cases_can_be_built(self, zoo: Zoo, plugin: Plugin) -> None:
        """Each conformance case is a valid model."""
        for case in zoo.cases.get(plugin.name, ()):
            resolve(zoo.registry, case.model, params=case.params)
