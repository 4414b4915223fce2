"""Weights: trusted by hash, loaded strictly or not at all."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from vaezoo import create, create_objective, list_models, model_info
from vaezoo.core import VAE
from vaezoo.errors import ConfigError, HashMismatch, TensorMismatch, UnknownName, VaezooError, WeightsError
from vaezoo.host.manager import Zoo
from vaezoo.publish.saving import load as load_model
from vaezoo.publish.saving import save as save_model
from vaezoo.registry.cards import Card
from vaezoo.store.schemes import from_package
from vaezoo.store.store import Store
from vaezoo.zoo.lock import entries
from vaezoo.zoo.probe import agrees, probe
from vaezoo.zoo.weights import load_strictly, pick

from .test_registry import CARD


@pytest.fixture
def model() -> VAE:
    return create("mlp-seed", seed=1)


@pytest.fixture
def zoo(model: VAE, tmp_path: Path) -> Zoo:
    """A zoo whose ``mlp-seed`` has the weights ``mine``, in a file."""
    content = save(model.state_dict())
    path = tmp_path / "my weights.safetensors"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    body = {**CARD, "urls": ("pkg://no_such/x", "ftp://host/x", path.as_uri()), "sha256": digest}
    zoo = Zoo()
    zoo.registry.cards.entries.clear()
    zoo.registry.cards.add("mlp-seed.mine", "vaezoo", Card(name="mlp-seed.mine", **body))
    return zoo


def recard(zoo: Zoo, **change: Any) -> None:
    owners = zoo.registry.cards.entries["mlp-seed.mine"]
    owners["vaezoo"] = replace(owners["vaezoo"], **change)


def test_pretrained(zoo: Zoo, model: VAE) -> None:
    for name, which in (("mlp-seed", True), ("mlp-seed.mine", True), ("mlp-seed", "mine")):
        loaded = create(name, pretrained=which, zoo=zoo)
        assert not loaded.training and loaded.origin.weights.tensors == len(model.state_dict())
        for key, value in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], value)
    assert list_models(pretrained=True, zoo=zoo) == ["mlp-seed.mine"]
    assert list(model_info("mlp-seed.mine", zoo=zoo)["weights"]) == ["mine"]


def test_the_weights_a_model_declares_win_over_the_first(zoo: Zoo) -> None:
    first = zoo.registry.cards.entries["mlp-seed.mine"]["vaezoo"]
    zoo.registry.cards.add("mlp-seed.other", "vaezoo", replace(first, name="mlp-seed.other"))
    assert pick(zoo.registry, "mlp-seed", None).name == "mlp-seed.mine"
    body = zoo.registry.models.get("mlp-seed").body
    body["default_weights"] = "other"
    try:
        assert pick(zoo.registry, "mlp-seed", None).name == "mlp-seed.other"
        assert pick(zoo.registry, "mlp-seed", "mine").name == "mlp-seed.mine"
        body["default_weights"] = "none-such"
        assert pick(zoo.registry, "mlp-seed", None).name == "mlp-seed.mine"
    finally:
        del body["default_weights"]


def test_another_plugins_card_changes_no_default(zoo: Zoo) -> None:
    first = zoo.registry.cards.entries.pop("mlp-seed.mine")["vaezoo"]
    zoo.registry.cards.add("mlp-seed.aaa", "acme:acme", replace(first, name="mlp-seed.aaa"))
    with pytest.raises(UnknownName, match=r"no weights of its own; .* by their tag\. Say mlp-seed\.aaa"):
        pick(zoo.registry, "mlp-seed", None)
    zoo.registry.cards.add("mlp-seed.mine", "vaezoo", first)
    assert list(zoo.registry.cards_of("mlp-seed")) == ["aaa", "mine"]
    assert pick(zoo.registry, "mlp-seed", None).name == "mlp-seed.mine"
    assert create("mlp-seed", pretrained=True, zoo=zoo).origin.weights.card.name == "mlp-seed.mine"
    assert pick(zoo.registry, "mlp-seed", "aaa").name == "mlp-seed.aaa"
    assert list(entries(zoo=zoo, names=["mlp-seed"])) == ["mlp-seed.mine"]


def test_a_default_that_the_owner_declares_may_be_anothers(zoo: Zoo) -> None:
    first = zoo.registry.cards.entries["mlp-seed.mine"]["vaezoo"]
    zoo.registry.cards.add("mlp-seed.big", "vaezoo-weights:big", replace(first, name="mlp-seed.big"))
    body = zoo.registry.models.get("mlp-seed").body
    body["default_weights"] = "big"
    try:
        assert pick(zoo.registry, "mlp-seed", None).name == "mlp-seed.big"
    finally:
        del body["default_weights"]


def test_a_tag_names_weights_and_loads_them(zoo: Zoo, model: VAE) -> None:
    for made in (create("mlp-seed.mine", zoo=zoo), create_objective("mlp-seed.mine", zoo=zoo).model):
        assert made.origin.weights.card.name == "mlp-seed.mine"
        for key, value in model.state_dict().items():
            assert torch.equal(made.state_dict()[key], value)
    assert not create("mlp-seed.mine", zoo=zoo).training and create("mlp-seed", zoo=zoo).origin.weights is None
    assert create_objective("mlp-seed", zoo=zoo).model.origin.weights is None
    with pytest.raises(ConfigError, match=r"the weights of the tag in the name 'mlp-seed\.mine', got pretrained=False"):
        create("mlp-seed.mine", pretrained=False, zoo=zoo)
    with pytest.raises(ConfigError, match=r"Expected one tag, got 'mine' in the name and pretrained='fashion'"):
        create("mlp-seed.mine", pretrained="fashion", zoo=zoo)
    with pytest.raises(UnknownName, match=r"no weights 'none'"):
        create("mlp-seed.none", zoo=zoo)


def test_half_precision_is_adapted_and_reported(model: VAE, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(save(model.half().state_dict()))
    loaded = create("mlp-seed", pretrained=path)
    assert set(loaded.origin.weights.adapted) == set(model.state_dict())
    assert next(loaded.parameters()).dtype == torch.float32


def test_the_probe_tells_models_apart(zoo: Zoo) -> None:
    same = [probe(create("mlp-seed", pretrained=True, zoo=zoo)) for _ in range(2)]
    other = create("mlp-seed", seed=2).eval()
    for parameter in other.parameters():
        parameter.data.mul_(3)
    assert agrees(*same) and not agrees(same[0], probe(other)) and not agrees(same[0], same[0][:3])


@pytest.mark.parametrize(
    ("name", "pretrained", "kind", "message"),
    [
        ("mlp-seed.mien", True, UnknownName, "The model 'mlp-seed' has no weights 'mien'. Did you mean 'mine'?"),
        ("mlp-seed.mien", None, UnknownName, "The model 'mlp-seed' has no weights 'mien'. Did you mean 'mine'?"),
        ("mlp-seed", "mien", UnknownName, "Did you mean 'mine'?"),
        ("mlp-vae", True, UnknownName, "The model 'mlp-vae' has no pretrained weights"),
        ("mlp-seed", "./nowhere.safetensors", WeightsError, "cannot read nowhere.safetensors: No such file"),
    ],
)
def test_weights_that_are_not_there(
    zoo: Zoo, name: str, pretrained: Any, kind: type[VaezooError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        create(name, pretrained=pretrained, zoo=zoo)
    assert message in str(caught.value)
    if kind is UnknownName and "." in name:
        with pytest.raises(UnknownName, match="has no weights 'mien'"):
            model_info(name, zoo=zoo)


def test_every_attempt_is_listed(zoo: Zoo) -> None:
    recard(zoo, urls=("pkg://no_such.at_all/x", "pkg:///x", "ftp://host/x", "file:///no/such/file"))
    with pytest.raises(WeightsError) as caught:
        create("mlp-seed", pretrained=True, zoo=zoo)
    assert str(caught.value).count(": not there") == 3 and "ftp://host/x: the scheme is none of pkg, file" in str(
        caught.value
    )
    assert from_package("pkg://vaezoo/host/builtin.yaml") is not None


def test_a_wrong_hash(zoo: Zoo) -> None:
    recard(zoo, sha256="f" * 64)
    with pytest.raises(HashMismatch, match=f"instead of {'f' * 64}. Reinstall"):
        create("mlp-seed", pretrained=True, zoo=zoo)


def without(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {n: t for n, t in state.items() if n != name}


BIAS = "decoder.project.bias"


def mangle(state: dict[str, Tensor], how: str) -> bytes:
    changed = {
        "missing": lambda: without(state, BIAS),
        "extra": lambda: {**state, "stray": torch.zeros(1)},
        "renamed": lambda: {**without(state, BIAS), "decoder.bias": state[BIAS]},
        "shape": lambda: {**state, BIAS: torch.zeros(3)},
        "nan": lambda: {**state, BIAS: torch.full_like(state[BIAS], torch.nan)},
    }
    return (
        save(changed[how]())
        if how in changed
        else {"pickle": pickle.dumps(1), "cut": save(state)[:-9], "html": b"<html>"}[how]
    )


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("missing", TensorMismatch, "1 missing, such as 'decoder.project.bias'"),
        ("extra", TensorMismatch, "1 extra, such as 'stray'"),
        ("renamed", TensorMismatch, "1 missing, such as 'decoder.project.bias'; 1 extra, such as 'decoder.bias'"),
        ("shape", TensorMismatch, "decoder.project.bias is (3,) instead of (784,)"),
        ("nan", WeightsError, "got NaN or infinity in 'decoder.project.bias'"),
        ("pickle", WeightsError, "got a pickle, which could run code. Convert it"),
        ("cut", WeightsError, "got bytes that are none"),
        ("html", WeightsError, "got bytes that are none"),
    ],
)
def test_a_file_that_does_not_fit(model: VAE, tmp_path: Path, how: str, kind: type[VaezooError], message: str) -> None:
    path = tmp_path / "my.safetensors"
    path.write_bytes(mangle(model.state_dict(), how))
    with pytest.raises(kind) as caught:
        create("mlp-seed", pretrained=str(path))
    assert message in str(caught.value)


def test_a_whole_pickle_of_torch_is_refused(model: VAE, tmp_path: Path) -> None:
    path = tmp_path / "my.safetensors"
    torch.save(model.state_dict(), path)
    with pytest.raises(WeightsError, match="got a pickle"):
        create("mlp-seed", pretrained=path)


def test_a_module_that_loads_in_its_own_way_is_asked(model: VAE) -> None:
    """Where no module does, tensors are copied without asking; a hook is not passed over."""
    state = {name: torch.randn_like(value) for name, value in model.state_dict().items()}
    asked: list[bool] = []
    for hooked in (False, True):
        if hooked:
            next(iter(model.children())).register_load_state_dict_post_hook(lambda *_: asked.append(True))
        fresh = {name: value + hooked for name, value in state.items()}
        assert load_strictly(model, fresh, "it") == ()
        assert all(torch.equal(value, fresh[name]) for name, value in model.state_dict().items())
        assert all(p.requires_grad and p.grad_fn is None for p in model.parameters()) and bool(asked) == hooked


def alike(digest: str) -> str:
    """Another hash that begins and ends as this one."""
    return digest[:24] + ("0" if digest[24] != "0" else "1") + digest[25:]


def test_all_of_a_hash_is_compared(zoo: Zoo, model: VAE, tmp_path: Path) -> None:
    card = zoo.registry.cards.get("mlp-seed.mine")
    recard(zoo, sha256=alike(card.sha256))
    with pytest.raises(HashMismatch, match="instead of"):
        create("mlp-seed.mine", zoo=zoo)
    content, digest = b"content", hashlib.sha256(b"content").hexdigest()
    store = Store(tmp_path / "store")
    with pytest.raises(HashMismatch, match="instead of"):
        store.fill(alike(digest), len(content), lambda part, size: bool(part.write_bytes(content)) and False)
    blob = store.path_of(alike(digest))
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    with pytest.warns(UserWarning):
        assert store.read(alike(digest)) is None
    save_model(model, tmp_path / "saved")
    told = (tmp_path / "saved" / "vaezoo.yaml").read_text()
    own = hashlib.sha256((tmp_path / "saved" / "model.safetensors").read_bytes()).hexdigest()
    (tmp_path / "saved" / "vaezoo.yaml").write_text(told.replace(own, alike(own)))
    with pytest.raises(HashMismatch, match="beside it says"):
        load_model(tmp_path / "saved")
