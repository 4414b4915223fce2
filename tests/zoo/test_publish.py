"""Publishing: what is written is what others need, and is all there or not at all.

The hub is a stand-in for the few functions of huggingface_hub that are called; no server is asked.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

import vaezoo
from vaezoo.cli import main
from vaezoo.errors import (
    BackendUnavailable,
    ConfigError,
    NetworkError,
    OfflineError,
    StoreError,
    UnknownName,
    VaezooError,
)
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.publish.publish import publish
from vaezoo.registry.registry import Registry

from .guests import FEWEST_FACTS

FACTS: dict[str, Any] = {
    **FEWEST_FACTS,
    "scores": {"psnr_db": 30.5},
    "baselines": {"bm3d": {"psnr_db": 30.25}},
    "protocol": "By the book",
    "evaluation": {"data": "mine", "levels": [15, 25.5], "nll": 4, "binarise": True},
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return vaezoo.save(vaezoo.create("conv-beta", seed=4, latent_channels=3), tmp_path / "saved", card=FACTS)


def block(folder: Path) -> str:
    found = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    assert len(found) == 1
    return str(found[0])


def test_weights_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sub" / "conv"
    assert publish("conv-beta", folder, urls=("https://host/w.safetensors",)) == str(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "model.safetensors", "registry.yaml"]
    assert [p.name for p in folder.parent.iterdir()] == ["conv"]
    registry = Registry("guest")
    registry.add_file(folder / "registry.yaml")
    card, own = registry.cards_of("conv-beta")["fashion"], current_zoo().registry.cards_of("conv-beta")["fashion"]
    assert card.urls == ("https://host/w.safetensors", (folder / "model.safetensors").as_uri(), *own.urls)
    assert (card.sha256, card.scores, card.probe, card.data) == (own.sha256, own.scores, own.probe, own.data)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        "license: mit" in page
        and own.protocol in page
        and "`vaezoo eval conv-beta.fashion --data fashion-mnist`" in page
    )
    assert "| elbo_nats | -245.167 |" in page and own.sha256 in page
    monkeypatch.chdir(folder)
    scope: dict[str, Any] = {}
    exec(block(folder), scope)
    assert block(folder).count("\n") == 2 and scope["model"].origin.weights.sha256 == own.sha256


def test_a_saved_model_of_its_own_configuration_can_move_into_a_plugin(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    publish(saved, folder, name="tiny-beta.mine")
    monkeypatch.chdir(folder)
    scope: dict[str, Any] = {}
    exec(block(folder), scope)
    assert "| score | this | bm3d |" in (folder / "README.md").read_text()
    zoo = Zoo()
    guest = Registry("local:guest")
    guest.add_file(folder / "registry.yaml")
    zoo.registry.merge(guest)
    model = vaezoo.create("tiny-beta.mine", pretrained=True, zoo=zoo)
    for made in (model, scope["model"]):
        for name, tensor in vaezoo.load(saved).state_dict().items():
            assert torch.equal(tensor, made.state_dict()[name])
    from vaezoo.zoo.probe import agrees, probe

    assert agrees(probe(model), model.origin.weights.card.probe)
    assert len(entry_points(group="vaezoo.plugins")) >= 5


def test_a_saved_model_of_a_known_configuration_needs_a_card_only(tmp_path: Path) -> None:
    vaezoo.save(vaezoo.create("conv-beta", seed=4, overrides=["loss.beta=7"]), tmp_path / "saved")
    publish(tmp_path / "saved", tmp_path / "out", name="conv-beta.mine", card=FACTS)
    assert set(yaml.safe_load((tmp_path / "out/registry.yaml").read_text())) == {"weights"}


def refusal(kind: type[VaezooError], message: str, *words: Any, **more: Any) -> None:
    with pytest.raises(kind, match=message) as caught:
        publish(*words, **more)
    assert caught.value.value is not None


def test_what_is_refused(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAEZOO_OFFLINE", raising=False)
    out = tmp_path / "out"
    refusal(
        ConfigError,
        r"Expected a name arch\.tag for the weights in .*saved, got 'tiny'\. Give one by --as",
        saved,
        out,
        name="tiny",
    )
    refusal(ConfigError, "another configuration than the one in .*as another name", saved, out, name="conv-beta.mine")
    refusal(ConfigError, "unknown key 'license'", saved, out, name="a.b", card={"license": "MIT"})
    refusal(ConfigError, "A name or a card can be given for a folder only", "conv-beta", out, name="a.b")
    refusal(UnknownName, "Expected a known model", "nothing", out)
    refusal(UnknownName, "has no pretrained weights", "conv-cvae", out)
    refusal(ConfigError, r"Expected a folder with a vaezoo\.yaml", tmp_path, out, name="a.b")
    bare = vaezoo.save(vaezoo.create("mlp-seed"), tmp_path / "bare", card={"licence": "MIT"})
    refusal(ConfigError, "lacks data, recipe, recipe_sha256, command, .*--card, or save", bare, out, name="a.b")
    (tmp_path / "file").write_text("mine")
    refusal(ConfigError, "where a file is in the way", "conv-beta", tmp_path / "file")
    for wrong in ("hf:x", "hf://org", "hf://org/repo/more", "hf://org/repo@"):
        refusal(ConfigError, "Expected hf://organisation/repository or", "conv-beta", wrong)
    assert not out.exists() and (tmp_path / "file").read_text() == "mine"


def test_files_of_a_folder_that_exists_stay_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "notes").write_text("mine")
    refusal(ConfigError, "exists already. Choose another folder, or overwrite it", "conv-beta", tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["README.md", "notes"]
    publish("conv-beta", tmp_path, overwrite=True)
    assert (tmp_path / "notes").read_text() == "mine" and "conv-beta.fashion" in (tmp_path / "README.md").read_text()


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    refusal(StoreError, "No space left on device", "conv-beta", tmp_path / "out")
    assert not list(tmp_path.iterdir())


class Hub:
    """Remembers what it is asked."""

    def __init__(self, **_: Any) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
        self.asked.append(("repo", repo_id, private, exist_ok))

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool) -> None:
        self.asked.append(("branch", repo_id, branch, exist_ok))

    def create_commit(self, repo_id: str, operations: list[Any], *, commit_message: str, revision: str) -> Any:
        files = {operation.path_in_repo: operation.path_or_fileobj for operation in operations}
        self.asked.append(("commit", repo_id, revision, commit_message, files))
        return SimpleNamespace(commit_url="https://hub/commit/1")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    import huggingface_hub

    made = Hub()
    for name in ("create_repo", "create_branch", "create_commit"):  # the arguments are the real ones'
        assert hasattr(huggingface_hub.HfApi, name)
    for name in ("VAEZOO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda **_: made)
    return made


def test_the_hub_gets_one_commit(hub: Hub, saved: Path) -> None:
    assert publish("mlp-seed", "hf://me/zoo", private=True) == "https://hub/commit/1"
    repo, (_, name, revision, _, files) = hub.asked
    assert repo == ("repo", "me/zoo", True, True) and (name, revision) == ("me/zoo", "main")
    assert set(files) == {"model.safetensors", "registry.yaml", "README.md"}
    card = yaml.safe_load(files["registry.yaml"])["weights"]["mlp-seed.fashion"]
    assert card["urls"][0] == "hf://me/zoo@main/model.safetensors"
    assert 'hf_hub_download("me/zoo", "model.safetensors", revision="main")' in files["README.md"].decode()
    publish(saved, "hf://me/zoo@v2", name="tiny.mine")
    assert hub.asked[3] == ("branch", "me/zoo", "v2", True)
    assert hub.asked[4][2] == "v2" and "vaezoo.yaml" in hub.asked[4][4]
    assert 'vaezoo.load(snapshot_download("me/zoo", revision="v2"))' in hub.asked[4][4]["README.md"].decode()


def test_the_real_hub_takes_the_arguments_that_are_given() -> None:
    import inspect

    from huggingface_hub import HfApi

    for name in ("create_repo", "create_branch", "create_commit"):
        ours, real = (inspect.signature(getattr(kind, name)).parameters for kind in (Hub, HfApi))
        assert set(ours) <= set(real)


def test_the_hub_refuses_or_is_not_to_be_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("401 Unauthorized\nand much more")

    monkeypatch.setattr(hub, "create_commit", refuse)
    refusal(NetworkError, r"does not take me/zoo: RuntimeError: 401 Unauthorized\. Log in", "mlp-seed", "hf://me/zoo")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refusal(OfflineError, "cannot be reached while HF_HUB_OFFLINE is set", "mlp-seed", "hf://me/zoo")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    refusal(BackendUnavailable, r"needs huggingface_hub\. pip install 'vaezoo\[hub\]'", "mlp-seed", "hf://me/zoo")


def test_the_command(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "card.yaml").write_text("notes: From a file.\n")
    with pytest.raises(SystemExit) as ended:
        main(["publish", str(saved), "--to", str(tmp_path / "o"), "--as", "a.b", "--card", str(tmp_path / "card.yaml")])
    assert ended.value.code == 0 and f"Published: {tmp_path / 'o'}" in capsys.readouterr().out
    assert "From a file." in (tmp_path / "o" / "README.md").read_text()
