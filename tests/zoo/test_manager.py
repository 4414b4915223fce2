"""Plugins: none can harm another, and each says what became of it."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

import vaezoo
from vaezoo import create, hookimpl
from vaezoo.errors import ConfigError, DuplicateName, PluginError, UnknownName
from vaezoo.host.find import GROUP
from vaezoo.host.manager import Zoo
from vaezoo.host.manager import current_zoo as installed

from .guests import PART, Guests, distribution


def broken(guests: Guests, status: str) -> tuple[EntryPoint, str]:
    """Returns an entry point that fails in one way, and what its cause should say."""
    module = guests.module("bad")
    if status == "import-failed":
        return guests.entry("bad", "no_such_package.plugin"), "ModuleNotFoundError: No module named 'no_such_package'"
    if status == "incompatible":
        vars(module)["VAEZOO_API"] = 99
        return guests.entry("bad"), "it needs API 99, this vaezoo has 1"
    if status == "hook-raised":
        answer = ZeroDivisionError("by nought")
        return guests.saying("bad", "vaezoo_registry_files", answer), "ZeroDivisionError: by nought"

    @hookimpl
    def vaezoo_registry_file() -> list[Path]:
        return []

    vars(module)["vaezoo_registry_file"] = vaezoo_registry_file
    return guests.entry("bad"), "Did you mean 'vaezoo_registry_files'"


@pytest.mark.parametrize("status", ["import-failed", "incompatible", "hook-raised", "invalid"])
def test_a_broken_plugin_costs_its_own_models_only(guests: Guests, status: str) -> None:
    bad, cause = broken(guests, status)
    good = guests.registering("good", PART.format(name="good"))
    with pytest.warns(UserWarning, match=f"vaezoo: the plugin local:bad is {status}"):
        zoo = Zoo([bad, good])
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
    assert Zoo([bad], disabled=frozenset({"local:bad"})).failed() == []


def test_a_plugin_that_exits_is_survived(guests: Guests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "guest_exits.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=r"import-failed: it called exit\(3\)"):
        Zoo([guests.entry("exits")])


def test_a_malformed_file_registers_nothing(guests: Guests) -> None:
    entry = guests.registering("half", PART.format(name="first") + "models: {half: {prior: normal}}")
    with pytest.warns(UserWarning, match="expected the keys 'decoder', 'loss' in half"):
        zoo = Zoo([entry])
    assert zoo.failed()[0].status == "invalid"
    assert "first" not in zoo.registry.parts["encoder"].names()


def test_one_name_of_two_plugins_is_qualified(guests: Guests) -> None:
    entries = [guests.registering(name, PART.format(name="twin")) for name in ("one", "two")]
    for order in (entries, entries[::-1]):
        encoders = Zoo(order).registry.parts["encoder"]
        with pytest.raises(DuplicateName, match=r"claimed by local:one and local:two\. Use one/twin or two/twin"):
            encoders.get("twin")
        assert encoders.get("two/twin").source.owner == "local:two"
        assert encoders.get("local:one/twin").source.owner == "local:one"


def test_two_plugins_of_one_identity(guests: Guests) -> None:
    entry = guests.registering("same", PART.format(name="same"))
    with pytest.warns(UserWarning, match="another plugin has the same distribution and entry point"):
        zoo = Zoo([entry, entry])
    assert [p.status for p in zoo.plugins] == ["ok", "invalid"]


def test_a_name_of_the_house_is_taken_whatever_the_order(guests: Guests) -> None:
    mine = list(entry_points(group=GROUP))
    for text in (PART.format(name="conv"), "models: {denoise: {prior: a, decoder: b, loss: c}}"):
        entry = guests.registering("aaa", text)
        with pytest.warns(UserWarning, match="of local:aaa is registered already, by vaezoo"):
            zoo = Zoo([entry, *mine])
        assert zoo.registry.models.get("denoise").source.owner == "vaezoo"
        assert [p.name for p in zoo.failed()] == ["local:aaa"]


def test_registering_in_code_belongs_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = Zoo()
    monkeypatch.setattr(import_module("vaezoo.host.register"), "current_zoo", lambda: zoo)

    def facts(latent_channels: int) -> None:
        """Says nothing."""

    @vaezoo.register_encoder("mine", facts=facts, summary="Mine.")
    class Mine:
        def __init__(self, latent_channels: int) -> None:
            """Has no layer."""

    assert zoo.registry.parts["encoder"].get("mine").target is Mine
    assert zoo.registry.parts["encoder"].get("user/mine").source.owner == "user"
    for slot in ("decoder", "prior", "loss", "conditioner"):
        getattr(vaezoo, f"register_{slot}")("mine", Mine, facts=facts)
        assert zoo.registry.parts[slot].get("mine").target is Mine

    class Again(Mine):
        """The cell of a notebook, run again."""

    for slot in ("encoder", "decoder", "prior", "loss", "conditioner"):
        getattr(vaezoo, f"register_{slot}")("mine", Again, facts=facts)
        assert zoo.registry.parts[slot].get("mine").target is Again
        with pytest.raises(ConfigError):
            getattr(vaezoo, f"register_{slot}")("mine", Mine)
        assert zoo.registry.parts[slot].get("mine").target is Again
    with pytest.raises(DuplicateName, match="registered already, by vaezoo"):
        vaezoo.register_encoder("conv", Mine, facts=facts)
    body = {"prior": "normal", "decoder": "mlp", "loss": "elbo"}
    assert vaezoo.register_model("my-model", body) is body

    @vaezoo.register_model("my-other")
    def other() -> dict[str, str]:
        return body

    assert zoo.registry.models.get("my-other").body == other()
    again = {**body, "summary": "Anew."}
    vaezoo.register_model("my-model", again)
    assert zoo.registry.models.get("my-model").body == again
    with pytest.raises(ConfigError, match=r"Unknown key 'share' in the model 'my-model'\. Did you mean 'shared'"):
        vaezoo.register_model("my-model", {**body, "share": {}})
    assert zoo.registry.models.get("my-model").body == again
    with pytest.raises(DuplicateName, match="The model 'mlp-vae' of user is registered already, by vaezoo"):
        vaezoo.register_model("mlp-vae", body)


def test_the_installed_plugins_are_well() -> None:
    assert vaezoo.plugins() and all(p.status == "ok" and p.version for p in vaezoo.plugins())


def test_only_the_strangers_that_are_named_are_loaded(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = list(entry_points(group=GROUP))
    entries = [guests.registering(name, PART.format(name=name)) for name in ("wanted", "other")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [*entries, *mine])
    for value, loaded in (("wanted, third", {"local:wanted"}), ("", set()), ("local:other", {"local:other"})):
        monkeypatch.setenv("VAEZOO_PLUGINS", value)
        zoo = installed.__wrapped__()
        assert {p.name for p in zoo.plugins if p.status == "ok"} - loaded == {f"vaezoo:{e.name}" for e in mine}
        assert {p.cause for p in zoo.plugins if p.status == "disabled"} == {"not named in VAEZOO_PLUGINS"}
    monkeypatch.delenv("VAEZOO_PLUGINS")
    assert all(p.status == "ok" for p in installed.__wrapped__().plugins)


def test_preference_decides_a_tie(guests: Guests) -> None:
    entries = [guests.registering(name, PART.format(name="twin")) for name in ("one", "two")]
    for prefer, owner in (
        (("two",), "local:two"),
        (("local:one", "two"), "local:one"),
        (("none", "two", "one"), "local:two"),
    ):
        encoders = Zoo(entries, prefer=prefer).registry.parts["encoder"]
        assert encoders.get("twin").source.owner == owner
        assert encoders.get("one/twin").source.owner == "local:one"
    with pytest.raises(DuplicateName, match="or put one of the plugins under prefer in your configuration"):
        Zoo(entries, prefer=("third",)).registry.parts["encoder"].get("twin")


def test_the_house_cannot_be_preferred_away(guests: Guests) -> None:
    entry = guests.registering("aaa", PART.format(name="conv"))
    with pytest.warns(UserWarning, match="registered already, by vaezoo:conv"):
        zoo = Zoo([entry, *entry_points(group=GROUP)], prefer=("aaa",))
    assert zoo.registry.parts["encoder"].get("conv").source.owner == "vaezoo:conv"


def test_a_qualified_part_is_used_in_a_model(guests: Guests) -> None:
    entries = [guests.registering(name, PART.format(name="twin")) for name in ("one", "two")]
    zoo = Zoo([*entry_points(group=GROUP), *entries])
    with pytest.raises(DuplicateName, match="The encoder 'twin' is claimed by local:one and local:two"):
        create("mlp-vae", encoder="twin", zoo=zoo)
    model = create("mlp-vae", encoder={"name": "two/twin", "hidden": [16]}, zoo=zoo)
    spec = model.origin.spec.parts["encoder"]
    assert spec is not None and spec.part.source.owner == "local:two" and model.encoder.body[0].out_features == 16
    assert create("mlp-vae", overrides=["encoder=one/twin"], zoo=zoo).origin.spec.parts["encoder"].part.name == "twin"


RENAMED = PART + "renamed: {{encoder: {{{old}: {name}}}, model: {{old-conv: conv-beta}}}}"


def test_an_old_name_warns_once_and_leads_to_the_new_one(guests: Guests) -> None:
    entry = guests.registering("acme", RENAMED.format(name="better", old="good"))
    zoo = Zoo([*entry_points(group=GROUP), entry])
    encoders = zoo.registry.parts["encoder"]
    with pytest.warns(FutureWarning, match="vaezoo: the encoder 'good' is called 'better' now"):
        assert encoders.get("good") is encoders.get("better")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encoders.get("good").name == "better"
    with pytest.warns(FutureWarning, match="'acme/good' is called 'better'"):
        assert encoders.get("acme/good").name == "better"
    with pytest.warns(FutureWarning, match="the model 'old-conv' is called 'conv-beta' now"):
        assert create("old-conv.fashion", pretrained=True, zoo=zoo).origin.weights.card.name == "conv-beta.fashion"
    assert "good" not in encoders.names()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RENAMED.format(name="same", old="same"), "The encoder 'same' of local:acme is renamed, but also declared"),
        ("renamed: {encodr: {a: b}}", "unknown key 'encodr'. Did you mean 'encoder'"),
        ("renamed: {encoder: {a: 3}}", "expected a as a text, got 3"),
    ],
)
def test_a_wrong_renaming_is_refused(guests: Guests, text: str, message: str) -> None:
    with pytest.warns(UserWarning, match=message):
        Zoo([guests.registering("acme", text)])


def test_a_card_that_two_plugins_claim_is_nobodys(guests: Guests) -> None:
    card = Path(vaezoo.__file__).parents[1].joinpath("registry.yaml").read_text(encoding="utf-8")
    card = "weights:\n" + card[card.index("  mlp-seed.fashion:") :].partition("\n  mlp-style.fashion")[0]
    card = card.replace("mlp-seed.fashion", "mlp-seed.mine", 1)
    entries = [*entry_points(group=GROUP), *(guests.registering(name, card) for name in ("one", "two"))]
    zoo = Zoo(entries)
    assert list(zoo.registry.cards_of("mlp-seed")) == ["fashion"]
    with pytest.raises(DuplicateName, match=r"The weight 'mlp-seed\.mine' is claimed by local:one and local:two"):
        create("mlp-seed.mine", zoo=zoo)
    assert list(Zoo(entries, prefer=("two",)).registry.cards_of("mlp-seed")) == ["fashion", "mine"]


def test_one_name_of_plugins_that_are_called_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = "models: {twin: {summary: T., encoder: mlp, prior: normal, decoder: mlp, loss: elbo, %s}}"
    for name in ("lab.one", "lab.two"):
        distribution(tmp_path, name, "", entry="acme", registry=model % "shared: {latent_channels: 2}")
    monkeypatch.syspath_prepend(tmp_path)
    zoo = Zoo()
    twins = vaezoo.list_models("*twin", zoo=zoo)
    assert twins == ["lab.one:acme/twin", "lab.two:acme/twin"]
    assert create(twins[1], zoo=zoo).origin.spec.model.source.owner == "lab.two:acme"
    with pytest.raises(DuplicateName, match=r"Use lab\.one:acme/twin or lab\.two:acme/twin"):
        create("acme/twin", zoo=zoo)
