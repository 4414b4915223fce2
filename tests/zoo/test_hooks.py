"""Each hook: what it declares is there, what it returns wrongly is refused, and where it acts it is asked."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from torch import Tensor

from vaezoo import ConformanceCase, PartDeclaration, create
from vaezoo.core import VAE
from vaezoo.errors import DuplicateName, NetworkError, PluginError, WeightsError
from vaezoo.host.find import GROUP
from vaezoo.host.hookspecs import HOOKS
from vaezoo.host.manager import Zoo
from vaezoo.registry.cards import Card
from vaezoo.store.store import Store
from vaezoo.zoo.weights import load_into, locate

from .guests import Guests

ROOT = Path(__file__).parents[2]
DENSE = PartDeclaration(
    "vaezoo_mlp.networks:DenseEncoder", summary="Dense.", config="vaezoo_mlp.facts:DenseEncoderConfig"
)
BODY = {"prior": "normal", "encoder": "mlp", "decoder": "mlp", "loss": "elbo", "shared": {"latent_channels": 2}}
BYTES = b"not really weights"


def zoo_with(*entries: Any, **options: Any) -> Zoo:
    return Zoo([*entry_points(group=GROUP), *entries], **options)


def card(name: str, *urls: str, licence: str = "MIT") -> Card:
    import hashlib

    sha256 = hashlib.sha256(BYTES).hexdigest()
    return Card(name, urls, sha256, len(BYTES), licence, (), "none", "0" * 64, "none", 0, 0, "none", 0.0)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented_with_its_arguments(hook: str) -> None:
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    _, found, section = page.partition(f"### `{hook}(")
    assert found, f"docs/hooks.md does not describe {hook}"
    signature, _, rest = section.partition("\n")
    body = rest.partition("\n### ")[0].partition("\n## ")[0]
    from inspect import signature as signature_of

    from vaezoo.host import hookspecs

    arguments = list(signature_of(getattr(hookspecs, hook)).parameters)
    assert signature.startswith(", ".join(arguments) + ")`"), f"it takes {arguments}"
    for word in ("**Returns**", "**Called**", "**Used by**", "```python"):
        assert word in body, f"{hook}: {word} is missing"
    for argument in arguments:
        assert f"`{argument}`" in body, f"{hook}: the argument {argument} is not described"


def implemented(path: Path) -> set[str]:
    """The functions of a file that are marked as hooks."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.unparse(d) for d in node.decorator_list)
    }


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_used_by_a_plugin_of_ours_or_a_stranger_of_the_tests(hook: str) -> None:
    """Ours declare tasks, beliefs and likelihoods in registry files, which say it more shortly: nothing is computed."""
    users = [p.parent.name for p in sorted((ROOT / "plugins").rglob("plugin.py")) if hook in implemented(p)]
    if hook == "vaezoo_declarations":
        users += [p.name for p in [ROOT / "tests/zoo/test_kinds.py"] if hook in implemented(p)]
    assert users, f"nothing implements {hook}"
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    used_by = page.partition(f"### `{hook}(")[2].partition("**Used by**")[2].partition("\n\n")[0]
    assert any(user in used_by for user in users), f"docs/hooks.md says{used_by}, but {users} use it"


@pytest.mark.parametrize("slot", ["encoder", "decoder", "prior", "loss"])
def test_parts_are_declared_in_code(guests: Guests, slot: str) -> None:
    hook = {"loss": "vaezoo_losses"}.get(slot, f"vaezoo_{slot}s")
    part = zoo_with(guests.saying("acme", hook, {"mine": DENSE})).registry.parts[slot].get("mine")
    assert (part.target, part.facts, part.summary, part.config) == tuple(DENSE)
    assert part.source.owner == "local:acme" and part.source.file == "guests.py" and part.source.line


def test_an_encoder_declared_in_code_works(guests: Guests) -> None:
    zoo = zoo_with(guests.saying("acme", "vaezoo_encoders", {"mine": DENSE}))
    assert create("mlp-vae", encoder={"name": "mine", "hidden": [8]}, zoo=zoo).encoder.body[0].out_features == 8


def test_models_are_declared_in_code(guests: Guests) -> None:
    zoo = zoo_with(guests.saying("acme", "vaezoo_models", {"acme-vae": BODY}))
    model = create("acme-vae", zoo=zoo)
    assert model.prior.latent_channels == 2 and model.origin.spec.model.source.owner == "local:acme"


@pytest.mark.parametrize(
    ("hook", "answer", "message"),
    [
        ("vaezoo_registry_files", "registry.yaml", "vaezoo_registry_files: expected a list, got 'registry.yaml'"),
        ("vaezoo_registry_files", [3], "vaezoo_registry_files: expected paths, got 3"),
        ("vaezoo_encoders", [DENSE], "vaezoo_encoders: expected a mapping, got"),
        (
            "vaezoo_priors",
            {"p": ("a:b", "a:b")},
            "vaezoo_priors: expected 'p' as PartDeclaration",
        ),
        ("vaezoo_losses", {"l": ("a:b", 3, "A.")}, "vaezoo_losses: expected 'l' as PartDeclaration"),
        ("vaezoo_decoders", {"Not-A-Name": DENSE}, "Expected a name of lower case words"),
        ("vaezoo_models", {"m": {"prior": "normal"}}, "Expected the model 'm' to name its decoder and loss"),
        ("vaezoo_models", {"m": "conv-beta"}, "Expected the model 'm' as a mapping, got 'conv-beta'"),
        ("vaezoo_weight_sources", {"S3": "a:b"}, "vaezoo_weight_sources: expected URL schemes in lower case, got 'S3'"),
        ("vaezoo_cli_commands", {"Verb": ("a:b", "A.")}, "vaezoo_cli_commands: expected a verb and"),
        ("vaezoo_cli_commands", {"verb": "a:b"}, "vaezoo_cli_commands: expected a verb and"),
        ("vaezoo_conformance_cases", ["m"], "vaezoo_conformance_cases: expected ConformanceCase, got 'm'"),
    ],
)
def test_a_wrong_answer_is_refused(guests: Guests, hook: str, answer: Any, message: str) -> None:
    with pytest.warns(UserWarning, match=f"the plugin local:acme is invalid: .*{message}"):
        zoo = zoo_with(guests.saying("acme", hook, answer))
    assert [p.name for p in zoo.failed()] == ["local:acme"]


def test_nothing_of_a_plugin_remains_if_its_last_hook_fails(guests: Guests) -> None:
    def vaezoo_encoders() -> Any:
        return {"mine": DENSE}

    def vaezoo_conformance_cases() -> Any:
        raise LookupError("late")

    with pytest.warns(UserWarning, match="hook-raised: LookupError: late"):
        zoo = zoo_with(guests.hooking("acme", vaezoo_encoders, vaezoo_conformance_cases))
    assert "mine" not in zoo.registry.parts["encoder"].names()


def test_a_hook_that_is_not_marked_is_refused(guests: Guests) -> None:
    module = guests.module("acme")
    exec("def vaezoo_models(): return {}", vars(module))
    with pytest.warns(UserWarning, match="vaezoo_models is not marked @hookimpl, so it would never be called"):
        zoo_with(guests.entry("acme"))


def test_a_hook_with_another_argument_is_refused(guests: Guests) -> None:
    def vaezoo_after_create(nme: str) -> None: ...

    with pytest.warns(UserWarning, match=r"is invalid: .*nme"):
        zoo_with(guests.hooking("acme", vaezoo_after_create))


def test_cases_are_kept(guests: Guests) -> None:
    case = ConformanceCase("conv-beta", {"latent_channels": 4})
    assert zoo_with(guests.saying("acme", "vaezoo_conformance_cases", [case])).cases["local:acme"] == (case,)


# URL schemes


def fill(url: str, part: Path, size: int) -> bool:
    """What a plugin's source does."""
    if url == "acme://raises":
        raise ValueError("a fault of its own")
    if url == "acme://away":
        raise NetworkError("the host is away", value=url)
    part.write_bytes(BYTES if url == "acme://good" else BYTES[::-1])
    return False


def test_a_source_fills_the_store(guests: Guests, tmp_path: Path) -> None:
    zoo = zoo_with(guests.saying("acme", "vaezoo_weight_sources", {"acme": fill}))
    store = Store(tmp_path / "home")
    path, content = locate(card("a.b", "acme://good"), store, zoo=zoo)
    assert content == BYTES and path == store.path_of(card("a.b").sha256)
    for url, message in (
        ("acme://wrong", "acme://wrong: sha256 [0-9a-f]+ instead of"),
        (
            "acme://raises",
            "acme://raises: The URL scheme 'acme' of local:acme cannot be used: ValueError: a fault of its own",
        ),
        ("acme://away", "acme://away: the host is away"),
    ):
        with pytest.raises((WeightsError, NetworkError), match=message):
            locate(card("a.b", url), Store(tmp_path / "empty"), zoo=zoo)


def test_offline_asks_no_source(guests: Guests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    zoo = zoo_with(guests.saying("acme", "vaezoo_weight_sources", {"acme": lambda url, part, size: asked.append(url)}))
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    with pytest.raises(Exception, match="VAEZOO_OFFLINE is set"):
        locate(card("a.b", "acme://good"), Store(tmp_path), zoo=zoo)
    assert not asked


def test_an_unknown_scheme_is_refused_with_those_that_are_known(guests: Guests, tmp_path: Path) -> None:
    zoo = zoo_with(guests.saying("acme", "vaezoo_weight_sources", {"acme": fill}))
    with pytest.raises(WeightsError, match=r"gopher://host/x: the scheme is none of pkg, file, https, .*acme, .*s3"):
        locate(card("a.b", "gopher://host/x"), Store(tmp_path), zoo=zoo)


def test_two_sources_of_one_scheme_are_named(guests: Guests, tmp_path: Path) -> None:
    entries = [guests.saying(name, "vaezoo_weight_sources", {"acme": fill}) for name in ("one", "two")]
    with pytest.raises(WeightsError, match="The URL scheme 'acme' is claimed by local:one and local:two"):
        locate(card("a.b", "acme://good"), Store(tmp_path), zoo=zoo_with(*entries))
    assert locate(card("a.b", "acme://good"), Store(tmp_path), zoo=zoo_with(*entries, prefer=("two",)))[1] == BYTES


@pytest.mark.parametrize("scheme", ["https", "pkg", "hf"])
def test_a_scheme_of_ours_stays_ours(guests: Guests, scheme: str) -> None:
    with pytest.warns(UserWarning, match=f"The URL scheme '{scheme}' of local:acme is registered already, by vaezoo"):
        zoo_with(guests.saying("acme", "vaezoo_weight_sources", {scheme: fill}))


# Policies


def policy(answer: Any) -> Callable[..., Any]:
    def vaezoo_weight_policy(card: Card) -> str | None:
        if isinstance(answer, BaseException):
            raise answer
        return None if card.licence == "MIT" else answer

    return vaezoo_weight_policy


def test_a_policy_refuses_before_anything_is_looked_for(guests: Guests, tmp_path: Path) -> None:
    zoo = zoo_with(guests.hooking("acme", policy("only MIT here.")))
    refused = r"The plugin local:acme refuses the weights 'denoise\.photo': only MIT here"
    with pytest.raises(WeightsError, match=refused):
        create("denoise", pretrained=True, zoo=zoo)
    assert create("mlp-seed", pretrained=True, zoo=zoo).origin.weights is not None
    with pytest.raises(WeightsError, match=r"refuses the weights 'a\.b'"):
        locate(card("a.b", "acme://nowhere", licence="GPL"), Store(tmp_path), zoo=zoo)


@pytest.mark.parametrize("error", [ZeroDivisionError("by nought"), SystemExit(3)])
def test_a_policy_that_fails_forbids(guests: Guests, error: BaseException) -> None:
    zoo = zoo_with(guests.hooking("acme", policy(error)))
    with pytest.raises(
        PluginError, match=r"local:acme cannot say whether the weights 'mlp-seed\.fashion' may be used"
    ) as e:
        create("mlp-seed", pretrained=True, zoo=zoo)
    assert "set VAEZOO_DISABLE_PLUGINS=local:acme" in str(e.value)


# Old tensors, new models


def adapting(zoo_model: str, answer: Any) -> Callable[..., Any]:
    def vaezoo_adapt_state_dict(model: str, tensors: Mapping[str, Tensor]) -> Any:
        assert model == zoo_model
        if isinstance(answer, BaseException):
            tensors.clear()  # type: ignore[attr-defined]
            raise answer
        return {name.replace("old.", ""): tensor for name, tensor in tensors.items()} if answer == "rename" else answer

    return vaezoo_adapt_state_dict


@pytest.fixture
def acme(guests: Guests) -> Callable[[Any], Zoo]:
    """A zoo with a model whose plugin answers so about tensors."""

    def make(answer: Any) -> Zoo:
        def vaezoo_models() -> Any:
            return {"acme-vae": BODY}

        return zoo_with(guests.hooking("acme", vaezoo_models, adapting("acme-vae", answer)))

    return make


def saved(model: VAE, path: Path, prefix: str = "") -> Path:
    from safetensors.torch import save_file

    save_file({prefix + name: tensor.clone() for name, tensor in model.state_dict().items()}, path)
    return path


def test_a_plugin_renames_the_tensors_of_its_own_models(acme: Callable[[Any], Zoo], tmp_path: Path) -> None:
    zoo = acme("rename")
    first = create("acme-vae", seed=1, zoo=zoo)
    model = create("acme-vae", pretrained=saved(first, tmp_path / "w.safetensors", "old."), zoo=zoo)
    assert all(torch.equal(t, first.state_dict()[n]) for n, t in model.state_dict().items())
    other = create("mlp-seed", zoo=zoo)  # the hook would fail on another's model
    load_into(other, zoo.registry, "mlp-seed", saved(other, tmp_path / "o.safetensors"), zoo=zoo)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (KeyError("lost"), "KeyError: 'lost'"),
        ([1], "TypeError: expected a mapping of names to tensors, got list"),
        ({"a": 1}, "TypeError: expected a tensor under 'a', got int"),
    ],
)
def test_an_adaptation_that_fails_changes_nothing(
    acme: Callable[[Any], Zoo], tmp_path: Path, answer: Any, message: str
) -> None:
    zoo = acme(answer)
    first = create("acme-vae", seed=1, zoo=zoo)
    path = saved(first, tmp_path / "w.safetensors")
    with pytest.warns(UserWarning, match=f"the plugin local:acme could not adapt .*'acme-vae'.* {message}"):
        model = create("acme-vae", pretrained=path, zoo=zoo)
    assert all(torch.equal(t, first.state_dict()[n]) for n, t in model.state_dict().items())


# After a model was made


def test_a_plugin_sees_each_model_at_its_weights(guests: Guests) -> None:
    seen: list[tuple[str, Any, torch.dtype]] = []

    def vaezoo_after_create(name: str, model: VAE) -> None:
        seen.append((name, model.origin.weights, next(model.parameters()).dtype))

    model = create(
        "mlp-seed.fashion", pretrained=True, dtype="bfloat16", zoo=zoo_with(guests.hooking("a", vaezoo_after_create))
    )
    assert seen == [("mlp-seed.fashion", model.origin.weights, torch.bfloat16)]


def test_one_that_fails_then_warns(guests: Guests) -> None:
    def vaezoo_after_create(name: str, model: VAE) -> None:
        raise RuntimeError("no")

    with pytest.warns(UserWarning, match="the plugin local:acme failed after 'mlp-seed' was made, .*RuntimeError: no"):
        assert isinstance(create("mlp-seed", zoo=zoo_with(guests.hooking("acme", vaezoo_after_create))), VAE)


# Verbs


@click.command("greet")
def greet() -> None:
    """Say hello."""
    click.echo("hello")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs the command line with a zoo of one's own."""
    import importlib

    from click.testing import CliRunner

    from vaezoo.cli.main import _group

    def run(zoo: Zoo, *args: str) -> tuple[int, str]:
        monkeypatch.setattr(importlib.import_module("vaezoo.host.manager"), "current_zoo", lambda: zoo)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = CliRunner().invoke(_group, args)
        return result.exit_code, result.output + str(result.exception or "")

    return run


def test_a_verb_is_found_and_listed(guests: Guests, shell: Callable[..., tuple[int, str]]) -> None:
    verbs = {"greet": (greet, "Say hello."), "list": (greet, "Not the list."), "odd": ("vaezoo:create", "Odd.")}
    zoo = zoo_with(guests.saying("acme", "vaezoo_cli_commands", verbs))
    assert shell(zoo, "greet") == (0, "hello\n") == shell(zoo, "acme/list")
    assert "conv-beta" in shell(zoo, "list")[1]
    code, out = shell(zoo, "--help")
    assert code == 0 and "Say hello." in out and "acme/list" in out and "List models, tasks, parts" in out
    assert "Did you mean 'greet'" in shell(zoo, "gret")[1]
    assert "Expected a click command as the verb 'odd' of local:acme" in shell(zoo, "odd")[1]


def test_a_verb_cannot_take_ours(guests: Guests) -> None:
    from vaezoo.cli.guests import guests as verbs
    from vaezoo.cli.main import VERBS

    zoo = zoo_with(guests.saying("acme", "vaezoo_cli_commands", {"list": (greet, "No.")}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaezoo.host.manager.current_zoo", lambda: zoo)
        with pytest.warns(UserWarning, match="local:acme has the name of one of vaezoo: use acme/list"):
            assert "list" not in verbs(VERBS)


def test_a_verb_of_two_plugins_is_qualified(guests: Guests, shell: Callable[..., tuple[int, str]]) -> None:
    entries = [guests.saying(name, "vaezoo_cli_commands", {"greet": (greet, "Say hello.")}) for name in ("one", "two")]
    zoo = zoo_with(*entries)
    assert "The verb 'greet' is claimed by local:one and local:two" in shell(zoo, "greet")[1]
    assert shell(zoo, "two/greet") == (0, "hello\n") and "one/greet" in shell(zoo, "--help")[1]
    with pytest.raises(DuplicateName):
        zoo.registry.verbs.get("greet")
