"""A lock: what models are, down to the hash, and that create holds to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

import vaezoo
from vaezoo.cli import main
from vaezoo.errors import ConfigError, LockMismatch, UnknownName
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.zoo.lock import Lock, write_lock


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    write_lock(tmp_path / "my.lock", ["mlp-seed", "conv-cvae"])
    return tmp_path / "my.lock"


def edit(lock: Path, old: str, new: str) -> None:
    text = lock.read_text()
    assert old in text
    lock.write_text(text.replace(old, new))


def test_a_lock_says_how_it_is_made_and_is_the_same_each_time(lock: Path, tmp_path: Path) -> None:
    assert lock.read_text().startswith("# Written by `vaezoo lock`; not by hand.")
    write_lock(tmp_path / "b.lock", ["conv-cvae", "mlp-seed.fashion"])
    assert lock.read_bytes() == (tmp_path / "b.lock").read_bytes()
    entry = Lock(lock).models["mlp-seed.fashion"]
    card = current_zoo().registry.cards_of("mlp-seed")["fashion"]
    assert (entry["sha256"], entry["size_bytes"]) == (card.sha256, card.size_bytes)
    assert entry["spec"]["encoder"] == {
        "name": "mlp", "owner": "vaezoo:mlp",
        "params": {"latent_channels": 2, "image_channels": 1, "image_size": [28, 28], "hidden": [128, 64],
                   "activation": "relu", "context_vector": 0, "belief": "gaussian", "modulate": "none"},
    }  # fmt: skip
    assert set(entry["plugins"]) == {"vaezoo", "vaezoo:mlp"}


def test_a_further_name_is_added_and_the_others_stay(lock: Path, tmp_path: Path) -> None:
    before = dict(Lock(lock).models)
    assert set(write_lock(lock, ["conv-beta"])) == {"conv-beta.fashion"}
    after = Lock(lock).models
    assert set(after) == {*before, "conv-beta.fashion"} and all(after[name] == entry for name, entry in before.items())
    (tmp_path / "other").write_text("no: lock\n")
    with pytest.raises(ConfigError):
        write_lock(tmp_path / "other", ["conv-beta"])
    assert (tmp_path / "other").read_text() == "no: lock\n"


def test_without_names_all_weights_are_locked(tmp_path: Path) -> None:
    assert list(write_lock(tmp_path / "a.lock")) == vaezoo.list_models(pretrained=True)


def test_what_is_as_it_was_is_created(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vaezoo.create("mlp-seed", pretrained=True, lock=lock).origin.weights is not None
    assert vaezoo.create("mlp-seed.fashion", lock=str(lock)).origin.weights is not None
    assert vaezoo.create("mlp-seed", lock=str(lock)).origin.weights is None
    vaezoo.create("conv-cvae", lock=lock)
    monkeypatch.chdir(lock.parent)
    with pytest.raises(ConfigError, match=r"vaezoo\.lock cannot be read: No such file"):
        vaezoo.create("mlp-seed", lock=True)
    lock.rename("vaezoo.lock")
    vaezoo.create("mlp-seed", lock=True)


def test_the_environment_says_so_too(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(lock, "activation: relu", "activation: silu")
    monkeypatch.setenv("VAEZOO_LOCK", str(lock))
    with pytest.raises(LockMismatch):
        vaezoo.create("mlp-seed")
    vaezoo.create("mlp-seed", lock=False)
    for word in ("", "0", "off"):
        monkeypatch.setenv("VAEZOO_LOCK", word)
        vaezoo.create("mlp-seed")
    monkeypatch.chdir(lock.parent)
    monkeypatch.setenv("VAEZOO_LOCK", "1")
    with pytest.raises(ConfigError, match=r"vaezoo\.lock cannot be read"):
        vaezoo.create("mlp-seed")
    with pytest.raises(ConfigError, match=r"Expected lock as True, False or a path, got 5"):
        vaezoo.create("mlp-seed", lock=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7cd0ab5e", "00000000", "sha256: 00000000"),
        ("size_bytes: 488608", "size_bytes: 1", "size_bytes: 1 → 488608"),
        ("vaezoo:mlp: 0.1.0", "vaezoo:mlp: 0.0.1", "plugins.vaezoo:mlp: 0.0.1 → 0.1.0"),
        ("activation: relu", "activation: silu", "encoder.params.activation: silu → relu; decoder.params.activation: "),
        ("encodes: input", "encodes: target", "encodes: target → input"),
    ],
)
def test_each_difference_is_named(lock: Path, old: str, new: str, message: str) -> None:
    edit(lock, old, new)
    with pytest.raises(LockMismatch) as caught:
        vaezoo.create("mlp-seed", pretrained=True, lock=lock)
    assert message in str(caught.value) and "Put back what it was, or write the lock anew" in str(caught.value)
    assert caught.value.exit_code == 4 and message in "; ".join(caught.value.value)


def test_another_card_of_the_same_name_is_refused_before_it_is_looked_for(lock: Path) -> None:
    zoo = Zoo()
    owners = zoo.registry.cards.entries["mlp-seed.fashion"]
    owners["vaezoo"] = replace(owners["vaezoo"], sha256="1" * 64, urls=("https://weights.invalid/x",))
    with pytest.raises(LockMismatch, match=f"sha256: 7cd0ab5e.* → {'1' * 64}"):
        vaezoo.create("mlp-seed", pretrained=True, lock=lock, zoo=zoo)


def test_overrides_differ_and_other_names_are_not_there(lock: Path) -> None:
    with pytest.raises(LockMismatch, match=r"encoder\.params\.hidden: \[128, 64\] → \[9\]"):
        vaezoo.create("mlp-seed", overrides=["encoder.hidden=[9]"], lock=lock)
    with pytest.raises(LockMismatch, match=r"prior\.name: normal → mixture; prior\.params\.components: nothing → 16"):
        vaezoo.create("mlp-seed", prior="mixture", lock=lock)
    with pytest.raises(
        LockMismatch, match=r"does not have 'mlp-vae'\. .*Add it by `vaezoo lock mlp-vae`, or create it with"
    ):
        vaezoo.create("mlp-vae", lock=lock)


def test_a_file_of_ones_own_has_to_be_the_locked_one(lock: Path, tmp_path: Path) -> None:
    own = vaezoo.create("mlp-seed", pretrained=True)
    report = own.origin.weights
    assert vaezoo.create("mlp-seed", pretrained=report.path, lock=lock).origin.weights.sha256 == report.sha256
    save_file(own.state_dict(), tmp_path / "own.safetensors")
    with pytest.raises(LockMismatch, match=f"sha256: {report.sha256} → "):
        vaezoo.create("mlp-seed", pretrained=tmp_path / "own.safetensors", lock=lock)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: 2\nvaezoo: a\nmodels: {}", "line 1: expected format as the format 1, which this vaezoo reads, got 2"),
        ("format: 1\nvaezoo: a", "expected the key 'models' in the lock"),
        ("format: 1\nvaezoo: a\nmodels:\n  a: {spec: {name: a, owner: b}}", "line 4: expected the key 'plugins' in a"),
        ("format: 1\nvaezoo: a\nmodels:\n  a: {}\n  a: {}", "line 5: the key 'a' stands twice"),
    ],
)
def test_a_malformed_lock(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.lock").write_text(text)
    with pytest.raises(ConfigError) as caught:
        vaezoo.create("mlp-seed", lock=tmp_path / "a.lock")
    assert message in str(caught.value)


def command(*args: str) -> int:
    try:
        main(list(args))
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    read: Callable[[], Any] = lambda: capsys.readouterr().out  # noqa: E731
    assert command("lock", "mlp-seed", "mlp-vae") == 0 and "Written to vaezoo.lock." in read()
    assert command("lock", "--check") == 0 and read().split() == ["mlp-seed.fashion", "ok", "mlp-vae.fashion", "ok"]
    edit(Path("vaezoo.lock"), "activation: relu", "activation: silu")
    assert command("lock", "--check") == 4
    assert "CHANGED  encoder.params.activation: silu → relu" in read()
    assert command("lock", "--check", "mlp-vae.fashion", "--json") == 0 and json.loads(read())[0]["ok"]
    assert command("lock", "--check", "nothing", "--json") == 4
    assert "does not have 'nothing'" in json.loads(read())[0]["differences"][0]
    edit(Path("vaezoo.lock"), "  mlp-seed.fashion:", "  gone.fashion:")
    assert command("lock", "--check") == 4 and "Expected a known model, got 'gone'" in read()
    assert command("lock", "mlp-seed", "-o", "sub/x.lock", "--json") == 0
    assert set(json.loads(read())["models"]) == {"mlp-seed.fashion"} and Path("sub/x.lock").is_file()
    with pytest.raises(UnknownName):
        write_lock("y.lock", ["nothing"])
    assert command("lock", "nothing") == 3 and not Path("y.lock").exists()
