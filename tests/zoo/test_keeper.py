"""Plugins: none can harm another, and each says what became of it."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pytest

import vaezoo
from vaezoo import create, hookimpl
from vaezoo.errors import DuplicateName, PluginError, UnknownName
from vaezoo.zoo import Keeper
from vaezoo.zoo import keeper as installed
from vaezoo.zoo.keeper import GROUP

PART = """
parts:
  encoder:
    {name}:
      target: "vaezoo_mlp.networks:DenseEncoder"
      facts: "vaezoo_mlp.facts:encoder"
"""


class Guests:
    """Writes plugins as a stranger would, and gives their entry points."""

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
        module = self.module(name)

        @hookimpl
        def vaezoo_registry_files() -> list[Path]:
            return [path]

        vars(module)["vaezoo_registry_files"] = vaezoo_registry_files
        return self.entry(name)


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guests:
    return Guests(tmp_path, monkeypatch)


def raising(error: BaseException) -> object:
    @hookimpl
    def vaezoo_registry_files() -> list[Path]:
        raise error

    return vaezoo_registry_files


def broken(guests: Guests, status: str) -> tuple[EntryPoint, str]:
    """Returns an entry point that fails in one way, and what its cause should say."""
    module = guests.module("bad")
    if status == "import-failed":
        return guests.entry("bad", "no_such_package.plugin"), "ModuleNotFoundError: No module named 'no_such_package'"
    if status == "incompatible":
        vars(module)["VAEZOO_API"] = 99
        return guests.entry("bad"), "it needs API 99, this vaezoo has 1"
    if status == "hook-raised":
        vars(module)["vaezoo_registry_files"] = raising(ZeroDivisionError("by nought"))
        return guests.entry("bad"), "ZeroDivisionError: by nought"

    @hookimpl
    def vaezoo_registry_file() -> list[Path]:
        return []

    vars(module)["vaezoo_registry_file"] = vaezoo_registry_file
    return guests.entry("bad"), "Did you mean 'vaezoo_registry_files'?"


@pytest.mark.parametrize("status", ["import-failed", "incompatible", "hook-raised", "invalid"])
def test_a_broken_plugin_costs_its_own_models_only(guests: Guests, status: str) -> None:
    bad, cause = broken(guests, status)
    good = guests.registering("good", PART.format(name="good"))
    with pytest.warns(UserWarning, match=f"vaezoo: the plugin local:bad is {status}"):
        zoo = Keeper([bad, good])
    assert {p.name: p.status for p in zoo.plugins} == {"local:bad": status, "local:good": "ok"}
    assert cause in zoo.failed()[0].cause
    assert zoo.registry.parts["encoder"].get("good").source.owner == "local:good"
    with pytest.raises(UnknownName, match="may belong to a plugin that failed to load: local:bad is"):
        create("bad-model", zoo=zoo)


@pytest.mark.parametrize("status", ["import-failed", "incompatible", "hook-raised", "invalid"])
def test_strictness_raises_at_once(guests: Guests, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, cause = broken(guests, status)
    monkeypatch.setenv("VAEZOO_STRICT_PLUGINS", "1")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [bad])
    with pytest.raises(PluginError) as caught:
        installed.__wrapped__()
    assert f"The plugin local:bad is {status}" in str(caught.value) and cause in str(caught.value)


def test_a_disabled_plugin_is_not_imported(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, _ = broken(guests, "import-failed")
    monkeypatch.setenv("VAEZOO_DISABLE_PLUGINS", "other, bad")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [bad])
    zoo = installed.__wrapped__()
    assert zoo.plugins[0].status == "disabled" and zoo.failed() == []
    assert Keeper([bad], disabled=frozenset({"local:bad"})).failed() == []


def test_a_plugin_that_exits_is_survived(guests: Guests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "guest_exits.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=r"import-failed: it called exit\(3\)"):
        Keeper([guests.entry("exits")])


def test_a_malformed_file_registers_nothing(guests: Guests) -> None:
    entry = guests.registering("half", PART.format(name="first") + "models: {half: {prior: normal}}")
    with pytest.warns(UserWarning, match="expected the keys 'decoder', 'loss' in half"):
        zoo = Keeper([entry])
    assert zoo.failed()[0].status == "invalid"
    assert "first" not in zoo.registry.parts["encoder"].names()


def test_one_name_of_two_plugins_is_qualified(guests: Guests) -> None:
    entries = [guests.registering(name, PART.format(name="twin")) for name in ("one", "two")]
    for order in (entries, entries[::-1]):
        encoders = Keeper(order).registry.parts["encoder"]
        with pytest.raises(DuplicateName, match=r"claimed by local:one and local:two\. Say one/twin or two/twin"):
            encoders.get("twin")
        assert encoders.get("two/twin").source.owner == "local:two"
        assert encoders.get("local:one/twin").source.owner == "local:one"


def test_two_plugins_of_one_identity(guests: Guests) -> None:
    entry = guests.registering("same", PART.format(name="same"))
    with pytest.warns(UserWarning, match="another plugin has the same distribution and entry point"):
        zoo = Keeper([entry, entry])
    assert [p.status for p in zoo.plugins] == ["ok", "invalid"]


def test_a_name_of_the_house_is_taken_whatever_the_order(guests: Guests) -> None:
    mine = list(entry_points(group=GROUP))
    for text in (PART.format(name="conv"), "models: {denoise: {prior: a, decoder: b, loss: c}}"):
        entry = guests.registering("aaa", text)
        with pytest.warns(UserWarning, match="of local:aaa is registered already, by vaezoo"):
            zoo = Keeper([entry, *mine])
        assert zoo.registry.models.get("denoise").source.owner == "vaezoo"
        assert [p.name for p in zoo.failed()] == ["local:aaa"]


def test_registering_in_code_belongs_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = Keeper()
    monkeypatch.setattr(import_module("vaezoo.zoo.keeper"), "keeper", lambda: zoo)
    source = zoo.registry.parts["encoder"].get("mlp")

    @vaezoo.register_encoder("mine", facts=lambda latent_channels: None, summary="Mine.")
    class Mine:
        pass

    assert zoo.registry.parts["encoder"].get("mine").target is Mine
    assert zoo.registry.parts["encoder"].get("user/mine").source.owner == "user"
    for slot in ("decoder", "prior", "loss", "conditioner"):
        getattr(vaezoo, f"register_{slot}")("mine", Mine, facts=source.facts)
        assert zoo.registry.parts[slot].get("mine").target is Mine
    body = {"prior": "normal", "decoder": "mlp", "loss": "elbo"}
    assert vaezoo.register_model("my-model", body) is body

    @vaezoo.register_model("my-other")
    def other() -> dict[str, str]:
        return body

    assert zoo.registry.models.get("my-other").body == other()
    with pytest.raises(DuplicateName, match="The model 'my-model' of user is registered already, by user"):
        vaezoo.register_model("my-model", body)


def test_the_installed_plugins_are_well() -> None:
    assert vaezoo.plugins() and all(p.status == "ok" and p.version for p in vaezoo.plugins())
